use serde::{Deserialize, Serialize};

use super::{
    quantity::{cpu_millis, mebibytes},
    runtime::{ClusterPlace, SearchWorkload},
};
use crate::{
    error::{Error, Result},
    ids::{ClusterId, TenantId},
    names,
    quota::{Amounts, QuotaDimension},
};

/// A tenant's Elasticsearch cluster in a namespace of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchCluster {
    pub service_name: String,
    /// As given, or made up: unique in the tenant.
    pub namespace: String,
    /// As the platform's cluster knows it.
    pub target_namespace: String,
    pub replicas: i32,
    pub resources: SearchResources,
    /// What the volumes of replicas begin with: a StatefulSet does not take another size.
    pub first_disk_size: String,
    pub vector: Option<VectorSpec>,
    /// Where its configuration is kept, for people to find.
    pub source_url: Option<String>,
    /// What its replicas run.
    pub image: String,
}

/// What each replica gets, as Kubernetes writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchResources {
    pub cpu_request: String,
    pub cpu_limit: String,
    pub memory_request: String,
    pub memory_limit: String,
    pub disk_size: String,
    pub gpu_count: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VectorSpec {
    pub dimension: i32,
    pub expected_count: i64,
    /// How many indices there shall be at most.
    pub index_limit: i32,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct NewSearchCluster {
    pub tenant_id: Option<TenantId>,
    pub service_name: String,
    /// That of the service where absent.
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub size: SearchSize,
    pub gpu_count: Option<i32>,
    pub dimension: Option<i32>,
    pub vector_count: Option<i64>,
    pub index_limit: Option<i32>,
    pub source_url: Option<String>,
}

/// How large it shall be; what is absent stays, or is as by default.
#[derive(Clone, Debug, Default)]
pub struct SearchSize {
    pub replicas: Option<i32>,
    pub cpu_request: Option<String>,
    pub cpu_limit: Option<String>,
    pub memory_request: Option<String>,
    pub memory_limit: Option<String>,
    pub disk_size: Option<String>,
}

impl Default for SearchResources {
    fn default() -> Self {
        Self {
            cpu_request: "500m".to_owned(),
            cpu_limit: "1".to_owned(),
            memory_request: "2Gi".to_owned(),
            memory_limit: "2Gi".to_owned(),
            disk_size: "10Gi".to_owned(),
            gpu_count: 0,
        }
    }
}

impl SearchCluster {
    /// The names of pods and of their revisions end in what Kubernetes adds.
    pub const LONGEST_SERVICE_NAME: usize = 40;
    /// One survives the loss of one, and there is a majority then.
    const REPLICAS: i32 = 3;
    const MOST_REPLICAS: i32 = 100;
    const MOST_GPUS: i32 = 64;

    /// All but the namespaces, which depend on the tenant and the owner.
    pub(super) fn of(new: &NewSearchCluster, image: String) -> Result<Self> {
        let gpu_count = new.gpu_count.unwrap_or(0);
        within("input.gpuCount", gpu_count, 0, Self::MOST_GPUS)?;
        let resources = SearchResources { gpu_count, ..SearchResources::default() };
        let service_name =
            names::label("input.serviceName", &new.service_name, Self::LONGEST_SERVICE_NAME)?;
        let cluster = Self {
            service_name,
            namespace: String::new(),
            target_namespace: String::new(),
            replicas: Self::REPLICAS,
            first_disk_size: String::new(),
            resources,
            vector: vector(new)?,
            source_url: new.source_url.as_deref().map(source_url).transpose()?,
            image,
        };
        let mut cluster = cluster.sized(&new.size)?;
        cluster.first_disk_size = cluster.resources.disk_size.clone();
        Ok(cluster)
    }

    /// With another size. A limit that is not named goes with its request, and a request with its
    /// limit, where one would be beyond the other.
    pub(super) fn sized(mut self, size: &SearchSize) -> Result<Self> {
        self.replicas = size.replicas.unwrap_or(self.replicas);
        within("input.replicas", self.replicas, 1, Self::MOST_REPLICAS)?;
        let now = &mut self.resources;
        let pairs = [
            (&mut now.cpu_request, &mut now.cpu_limit, &size.cpu_request, &size.cpu_limit),
            (
                &mut now.memory_request,
                &mut now.memory_limit,
                &size.memory_request,
                &size.memory_limit,
            ),
        ];
        let names = [("cpuRequest", "cpuLimit"), ("memoryRequest", "memoryLimit")];
        let counted = [cpu_millis, mebibytes];
        for ((pair, names), count) in pairs.into_iter().zip(names).zip(counted) {
            resize(pair, names, count)?;
        }
        if let Some(disk) = &size.disk_size {
            now.disk_size = disk.clone();
        }
        at_least("input.memoryLimit", &now.memory_limit, "512Mi")?;
        at_least("input.diskSize", &now.disk_size, "1Gi")?;
        Ok(self)
    }

    /// What it takes at most, all replicas together.
    pub(super) fn takes(&self) -> Result<Amounts> {
        let (all, resources) = (i64::from(self.replicas), &self.resources);
        Ok(Amounts::of(QuotaDimension::Clusters, 1)
            .and(QuotaDimension::CpuMillis, all * cpu_millis("cpuLimit", &resources.cpu_limit)?)
            .and(
                QuotaDimension::MemoryMib,
                all * mebibytes("memoryLimit", &resources.memory_limit)?,
            )
            .and(QuotaDimension::DiskMib, all * mebibytes("diskSize", &resources.disk_size)?)
            .and(QuotaDimension::Gpu, all * i64::from(resources.gpu_count)))
    }

    /// Disks grow, and do not shrink.
    pub(super) fn is_smaller_disk(&self, than: &Self) -> Result<bool> {
        let size = |it: &Self| mebibytes("input.diskSize", &it.resources.disk_size);
        Ok(size(self)? < size(than)?)
    }

    pub(super) fn place(&self, id: ClusterId) -> ClusterPlace {
        ClusterPlace {
            namespace: self.target_namespace.clone(),
            name: self.service_name.clone(),
            cluster_id: id,
        }
    }

    pub(super) fn workload(&self, id: ClusterId) -> Result<SearchWorkload> {
        Ok(SearchWorkload {
            place: self.place(id),
            replicas: self.replicas,
            resources: self.resources.clone(),
            heap_mib: heap(mebibytes("memoryLimit", &self.resources.memory_limit)?),
            first_disk_size: self.first_disk_size.clone(),
            vector: self.vector.clone(),
            source_url: self.source_url.clone(),
            image: self.image.clone(),
        })
    }
}

/// Half of the memory, for the other half is the file system's; from 32 GB on pointers double.
fn heap(memory_mib: i64) -> i64 {
    (memory_mib / 2).min(31 * 1024)
}

/// With less Elasticsearch does not start.
fn at_least(field: &str, size: &str, least: &str) -> Result<()> {
    match mebibytes(field, size)? < mebibytes(field, least)? {
        true => Err(Error::invalid(field, format!("must be at least {least}"))),
        false => Ok(()),
    }
}

type Pair<'a> = (&'a mut String, &'a mut String, &'a Option<String>, &'a Option<String>);

fn resize(
    (request, limit, new_request, new_limit): Pair<'_>,
    (request_name, limit_name): (&str, &str),
    count: fn(&str, &str) -> Result<i64>,
) -> Result<()> {
    let counted = |name: &str, text: &str| count(&format!("input.{name}"), text);
    let asked = new_request.as_deref().unwrap_or(request);
    let allowed = new_limit.as_deref().unwrap_or(limit);
    let beyond = counted(request_name, asked)? > counted(limit_name, allowed)?;
    let (asked, allowed) = match (beyond, new_request, new_limit) {
        (true, Some(_), Some(_)) => {
            let message = format!("must not be less than {request_name}");
            return Err(Error::invalid(format!("input.{limit_name}"), message));
        }
        (true, Some(asked), None) => (asked.clone(), asked.clone()),
        (true, ..) => (allowed.to_owned(), allowed.to_owned()),
        (false, ..) => (asked.to_owned(), allowed.to_owned()),
    };
    (*request, *limit) = (asked, allowed);
    Ok(())
}

fn vector(new: &NewSearchCluster) -> Result<Option<VectorSpec>> {
    /// How many indices there are, where nobody says.
    const INDICES: i32 = 10;
    let Some(dimension) = new.dimension else {
        let stray = match (new.vector_count, new.index_limit) {
            (None, None) => return Ok(None),
            (Some(_), _) => "input.vectorCount",
            _ => "input.indexLimit",
        };
        return Err(Error::invalid(stray, "needs a dimension beside it"));
    };
    within("input.dimension", dimension, 1, 4096)?;
    let index_limit = new.index_limit.unwrap_or(INDICES);
    within("input.indexLimit", index_limit, 1, 10_000)?;
    let expected_count = new.vector_count.unwrap_or(0);
    if !(0..=1_000_000_000_000).contains(&expected_count) {
        return Err(Error::invalid("input.vectorCount", "must be from 0 to 1000000000000"));
    }
    Ok(Some(VectorSpec { dimension, expected_count, index_limit }))
}

/// Only its form: nobody goes there.
fn source_url(url: &str) -> Result<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let named = host.is_some_and(|host| !host.is_empty() && !host.contains('@'));
    let plain = url.len() <= 2000 && url.chars().all(|c| c.is_ascii_graphic() && c != '"');
    match named && plain {
        true => Ok(url.to_owned()),
        false => Err(Error::invalid("input.sourceUrl", "must be an http or https address")),
    }
}

fn within(field: &str, value: i32, least: i32, most: i32) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be from {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewSearchCluster {
        NewSearchCluster { service_name: "books".to_owned(), ..NewSearchCluster::default() }
    }

    fn of(new: &NewSearchCluster) -> Result<SearchCluster> {
        SearchCluster::of(new, "search:1".to_owned())
    }

    #[test]
    fn what_is_absent_is_sensible_and_counts() {
        let cluster = of(&new()).expect("it is good");

        assert_eq!((cluster.replicas, cluster.vector.as_ref()), (3, None));
        assert_eq!(cluster.resources, SearchResources::default());
        let takes = cluster.takes().expect("they are amounts");
        assert_eq!(takes.get(QuotaDimension::CpuMillis), 3000);
        assert_eq!(takes.get(QuotaDimension::MemoryMib), 3 * 2048);
        assert_eq!(takes.get(QuotaDimension::DiskMib), 3 * 10 * 1024);
    }

    #[test]
    fn requests_and_limits_go_together() {
        let sized = |request: Option<&str>, limit: Option<&str>| {
            let size = SearchSize {
                cpu_request: request.map(str::to_owned),
                cpu_limit: limit.map(str::to_owned),
                ..SearchSize::default()
            };
            let cluster = of(&NewSearchCluster { size, ..new() })?;
            Ok::<_, Error>((cluster.resources.cpu_request, cluster.resources.cpu_limit))
        };

        let pair = |request: &str, limit: &str| (request.to_owned(), limit.to_owned());
        assert_eq!(sized(Some("4"), None).expect("it is good"), pair("4", "4"));
        assert_eq!(sized(None, Some("100m")).expect("it is good"), pair("100m", "100m"));
        assert_eq!(sized(None, Some("2")).expect("it is good"), pair("500m", "2"));
        let refused = sized(Some("2"), Some("1")).expect_err("the limit is less");
        assert_eq!(refused.to_string(), "input.cpuLimit: must not be less than cpuRequest");
    }

    #[test]
    fn every_field_is_checked() {
        let size = |size: SearchSize| NewSearchCluster { size, ..new() };
        let text = |text: &str| Some(text.to_owned());
        for (bad, field) in [
            (NewSearchCluster { service_name: "Books".to_owned(), ..new() }, "serviceName"),
            (size(SearchSize { replicas: Some(0), ..SearchSize::default() }), "replicas"),
            (size(SearchSize { cpu_request: text("x"), ..SearchSize::default() }), "cpuRequest"),
            (
                size(SearchSize { memory_limit: text("511Mi"), ..SearchSize::default() }),
                "memoryLimit",
            ),
            (size(SearchSize { memory_limit: text("512Mi"), ..SearchSize::default() }), ""),
            (size(SearchSize { disk_size: text("0"), ..SearchSize::default() }), "diskSize"),
            (size(SearchSize { disk_size: text("1023Mi"), ..SearchSize::default() }), "diskSize"),
            (NewSearchCluster { gpu_count: Some(-1), ..new() }, "gpuCount"),
            (NewSearchCluster { dimension: Some(0), ..new() }, "dimension"),
            (NewSearchCluster { vector_count: Some(1), ..new() }, "vectorCount"),
            (NewSearchCluster { index_limit: Some(1), ..new() }, "indexLimit"),
            (NewSearchCluster { source_url: text("file:///etc"), ..new() }, "sourceUrl"),
            (NewSearchCluster { source_url: text("https://me:pw@host"), ..new() }, "sourceUrl"),
        ] {
            match of(&bad) {
                Err(Error::Invalid { field: found, .. }) => {
                    assert_eq!(found, format!("input.{field}"));
                }
                other => assert!(field.is_empty() && other.is_ok(), "{field}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_heap_is_half_of_the_memory_within_bounds() {
        assert_eq!([512, 2048, 65_536, 131_072].map(heap), [256, 1024, 31_744, 31_744]);
    }
}
