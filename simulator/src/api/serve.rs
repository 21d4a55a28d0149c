use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, request::Parts};
use http_body_util::{BodyExt, Limited};

use super::{
    answer::Answer,
    discovery, list, logs, proxy,
    query::Query,
    request::{self, Call, Target, Verb},
    reviews,
    rights::{self, Rights},
    scale, watch, write,
};
use crate::{
    access::Account,
    cluster::Cluster,
    faults::Fault,
    state::State as ClusterState,
    status_error::{Result, StatusError},
};

const BODY_LIMIT: usize = 3 * 1024 * 1024;

pub(crate) fn router(cluster: Cluster, rights: Rights) -> Router {
    Router::new().fallback(serve).with_state((cluster, rights))
}

async fn serve(State((cluster, rights)): State<(Cluster, Rights)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(answer) = discovery::answer(&parts) {
        return answer.into_response();
    }
    let caller = match rights.caller(&parts.headers) {
        Ok(caller) => caller,
        Err(refusal) => return Answer::refusal(&refusal).into_response(),
    };
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Answer::refusal(&StatusError::too_large()).into_response(),
    };
    if let Some(answer) = reviews::answer(&parts, &body, &cluster, caller) {
        return answer.into_response();
    }
    match call(&parts, body) {
        Ok(call) => carry_out(&cluster, call, caller).await,
        Err(refusal) => Answer::refusal(&refusal).into_response(),
    }
}

fn call(parts: &Parts, body: Bytes) -> Result<Call> {
    let query = Query::of(&parts.uri);
    let target = Target::of(parts.uri.path())?;
    let verb = Verb::of(&parts.method, &target, &query)?;
    if target.subresource != "proxy" {
        request::check_accept(&parts.headers)?;
    }
    Ok(Call {
        verb,
        manager: request::manager(&query, &parts.headers),
        content_type: request::content_type(&parts.headers),
        representation: request::representation(&parts.headers, &query, &target),
        target,
        query,
        body,
    })
}

async fn carry_out(cluster: &Cluster, call: Call, caller: Option<&Account>) -> Response {
    let admitted = cluster.with_state(|state| admit(state, &call, caller));
    let fault = match admitted {
        Ok(fault) => fault,
        Err(refusal) => return Answer::refusal(&refusal).into_response(),
    };
    match fault {
        None => answer(cluster, &call).into_response(),
        Some(Fault::LostAnswer) => answer(cluster, &call).into_broken_response(),
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Timeout) => {
            let message = "Timeout: request did not complete within the allotted timeout";
            let refusal = StatusError::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message);
            Answer::refusal(&refusal).into_response()
        }
        Some(Fault::Status(code, wait)) => {
            Answer::refusal(&request::failure(code, wait)).into_response()
        }
    }
}

/// Notes the call; what is allowed may still meet a fault.
fn admit(state: &mut ClusterState, call: &Call, caller: Option<&Account>) -> Result<Option<Fault>> {
    let needed = rights::accesses(state, call);
    if let Some(account) = caller {
        rights::check(account, &needed, call)?;
    }
    for access in needed {
        *state.accesses.entry(access).or_default() += 1;
    }
    Ok(state.faults.strike(call.verb.name(), call.target.kind.plural))
}

fn answer(cluster: &Cluster, call: &Call) -> Answer {
    let outcome = match (call.verb, call.target.subresource.as_str()) {
        (Verb::Get, "log") => logs::open(cluster, call),
        (_, "proxy") => cluster.with_state(|state| proxy::forward(state, call)),
        (_, "scale") => cluster.with_state(|state| scale::carry_out(state, call)),
        (Verb::Get, _) => cluster.with_state(|state| shown(state, call, list::get(state, call))),
        (Verb::List, _) => cluster.with_state(|state| shown(state, call, list::list(state, call))),
        (Verb::Watch, _) => watch::open(cluster, call),
        (Verb::Create, _) => cluster.with_state(|state| write::create(state, call)),
        (Verb::Update, _) => cluster.with_state(|state| write::update(state, call)),
        (Verb::Patch, _) => cluster.with_state(|state| write::patch(state, call)),
        (Verb::Delete, _) => cluster.with_state(|state| write::delete(state, call)),
        (Verb::DeleteCollection, _) => {
            cluster.with_state(|state| write::delete_collection(state, call))
        }
    };
    outcome.unwrap_or_else(|refusal| Answer::refusal(&refusal))
}

/// What is read, in the form that the caller asked for.
fn shown(state: &ClusterState, call: &Call, found: Result<Answer>) -> Result<Answer> {
    let form = |body| call.representation.show(call.target.kind, body, state.now);
    found.map(|answer| answer.shown(form))
}
