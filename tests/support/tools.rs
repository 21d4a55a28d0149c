use std::{fs, io::ErrorKind, os::unix::fs::PermissionsExt};

use tempfile::TempDir;

/// Notes how it was called, the arguments apart, and finds the containers.
const BEGIN: &str = r#"#!/bin/sh
here=${0%/*}
IFS='|'
echo "${0##*/}|$*" >> "$here/calls"
unset IFS
standing="$here/containers"
"#;

const K3D: &str = r#"
server="$standing/k3d-$3-server-0"
case "$1 $2" in
    'cluster create')
        [ -e "$server" ] && { echo "a cluster with that name already exists" >&2; exit 1; }
        echo true > "$server"
        echo "cluster '$3' created successfully" ;;
    'cluster start') echo true > "$server" ;;
    'cluster stop') echo false > "$server" ;;
    'cluster delete') /bin/rm -f "$server" ;;
esac
"#;

const KIND: &str = r#"
node="$standing/$4-control-plane"
case "$1" in
    create)
        [ -e "$node" ] && { echo "node(s) already exist for a cluster" >&2; exit 1; }
        read -r config
        echo "$config" >> "$here/configs"
        for word; do
            [ "$before" = --kubeconfig ] && echo "it opens the cluster" > "$word"
            before=$word
        done
        echo true > "$node"
        echo "Creating cluster \"$4\" ..." >&2 ;;
    delete) /bin/rm -f "$node" ;;
esac
"#;

const DOCKER: &str = r#"
case "$1 $2" in
    'container ls')
        name=${6#name=^/?}
        name=${name%\$}
        if [ -e "$standing/$name" ]; then echo "$name"; fi ;;
    'container inspect')
        read -r running < "$standing/$5"
        address=
        [ "$running" = true ] && address=172.18.0.2
        echo "$running $address" ;;
    'container start') echo true > "$standing/$3" ;;
    'container stop') echo false > "$standing/$3" ;;
    'exec '*) echo ok ;;
esac
"#;

/// Stands in for `k3d`, `kind` and `docker`: programs that note how they are called and whose
/// clusters are files, so that they outlive whoever asked for them.
pub struct Tools(TempDir);

impl Tools {
    pub fn new() -> Self {
        let tools = Self(tempfile::tempdir().unwrap());
        fs::create_dir(tools.0.path().join("containers")).unwrap();
        for (name, script) in [("k3d", K3D), ("kind", KIND), ("docker", DOCKER)] {
            let file = tools.0.path().join(name);
            fs::write(&file, format!("{BEGIN}{script}")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        tools
    }

    /// On a machine where that one is not installed.
    pub fn without(name: &str) -> Self {
        let tools = Self::new();
        fs::remove_file(tools.0.path().join(name)).unwrap();
        tools
    }

    /// A PATH with nothing else.
    pub fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    /// How they were called, in their order, with `|` between the arguments.
    pub fn calls(&self) -> Vec<String> {
        self.lines("calls")
    }

    /// What kind was given to read.
    pub fn configs(&self) -> Vec<String> {
        self.lines("configs")
    }

    /// The containers that there are.
    pub fn standing(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.path().join("containers")).unwrap();
        let mut names: Vec<_> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn lines(&self, file: &str) -> Vec<String> {
        match fs::read_to_string(self.0.path().join(file)) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => panic!("{error}"),
        }
    }
}
