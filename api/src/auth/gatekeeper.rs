use std::{
    collections::HashMap,
    future::pending,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    ControlPlane, Error, Result,
    clock::{Clock, SystemClock},
    identity::{ApiToken, Caller, Credential, Ticket},
};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use jiff::Timestamp;
use lru::LruCache;
use tokio::time::{Instant, sleep, timeout};

use super::{access_token::Verifier, secret};
use crate::keys::TokenKeys;

/// How often a pass that stays in use is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long what the store said of a ticket is good, unless this process itself changes something
/// by which callers are let in.
const FINDING_LIFE: Duration = Duration::from_secs(2);
/// Ours are a quarter of that.
const LONGEST_TOKEN: usize = 2048;
/// How many tokens are remembered whose signatures have been checked.
const TOKENS: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();

/// A caller, and for how long they are let in.
#[derive(Clone)]
pub struct Pass {
    pub caller: Caller,
    token: Option<Token>,
}

/// What a pass rests on.
#[derive(Clone)]
struct Token {
    ticket: Ticket,
    /// Good without an end where absent.
    expires_at: Option<Timestamp>,
}

/// What the store says of a ticket, and when it was asked.
struct Finding {
    asked_at: Instant,
    /// How many changes of callers it knows of.
    changes: u64,
    found: Shared<BoxFuture<'static, Found>>,
}

#[derive(Clone)]
enum Found {
    Good(Caller),
    /// The ticket is not good any more.
    Bad,
    /// The store did not say.
    Nothing,
}

/// Tells who is behind a token.
#[derive(Clone)]
pub struct Gatekeeper {
    control_plane: Arc<ControlPlane>,
    verifier: Arc<Verifier>,
    tokens: Arc<Mutex<LruCache<String, (Ticket, Timestamp)>>>,
    findings: Arc<Mutex<HashMap<Ticket, Finding>>>,
}

impl Pass {
    pub fn anonymous() -> Self {
        Self { caller: Caller::Anonymous, token: None }
    }

    /// Refuses what has expired.
    fn new(caller: Caller, ticket: Ticket, expires_at: Option<Timestamp>) -> Result<Self> {
        let token = Token { ticket, expires_at };
        match token.is_expired() {
            true => Err(Error::Unauthenticated),
            false => Ok(Self { caller, token: Some(token) }),
        }
    }
}

impl Gatekeeper {
    pub fn new(control_plane: Arc<ControlPlane>, keys: &TokenKeys) -> Result<Self> {
        let verifier = Arc::new(Verifier::new(keys)?);
        let tokens = Arc::new(Mutex::new(LruCache::new(TOKENS)));
        Ok(Self { control_plane, verifier, tokens, findings: Arc::default() })
    }

    /// The caller behind an `Authorization` header; anonymous without one. A token that is not
    /// good is refused rather than taken for none.
    pub async fn pass(&self, authorization: Option<&str>) -> Result<Pass> {
        let Some(authorization) = authorization else {
            return Ok(Pass::anonymous());
        };
        let token = bearer(authorization).filter(|token| token.len() <= LONGEST_TOKEN);
        let token = token.ok_or(Error::Unauthenticated)?;
        if !secret::is_api_token(token) {
            let (ticket, expires_at) = self.read(token)?;
            return Pass::new(self.find(&ticket).await?, ticket, Some(expires_at));
        }
        let ticket = Ticket::ApiToken { hash: secret::hash(token) };
        let caller = self.find(&ticket).await?;
        let expires_at = match &caller.actor()?.credential {
            Credential::ApiToken { expires_at, .. } => *expires_at,
            Credential::Login(_) | Credential::Console => None,
        };
        Pass::new(caller, ticket, expires_at)
    }

    /// What an access token says. It says the same for ever, though it may not be good any more.
    fn read(&self, token: &str) -> Result<(Ticket, Timestamp)> {
        let tokens = || self.tokens.lock().expect("nothing panics while it holds this lock");
        if let Some(known) = tokens().get(token).cloned() {
            return Ok(known);
        }
        let read = self.verifier.read(token)?;
        tokens().put(token.to_owned(), read.clone());
        Ok(read)
    }

    /// The pass with the caller as they are now, at most [`FINDING_LIFE`] old. Refused once the
    /// token has expired, and where the caller has lost something: what began under the pass began
    /// with more than they may have.
    pub async fn renewed(&self, pass: &Pass) -> Result<Pass> {
        let Some(token) = &pass.token else {
            return Ok(pass.clone());
        };
        if token.is_expired() {
            return Err(Error::Unauthenticated);
        }
        let caller = self.find(&token.ticket).await?;
        Self::exchanged(pass, Pass { caller, token: pass.token.clone() })
    }

    /// The second pass in place of the first, where it gives no less to the same account.
    pub fn exchanged(old: &Pass, new: Pass) -> Result<Pass> {
        if old.caller.is_covered_by(&new.caller) { Ok(new) } else { Err(Error::Unauthenticated) }
    }

    /// Comes back when the pass is not good any more, within 5 s. A store that does not answer
    /// ends nothing but what expires: it lets nobody change anything either.
    pub async fn lapse(self, pass: Pass) {
        let Some(token) = &pass.token else {
            return pending().await;
        };
        while !token.is_expired() {
            sleep(token.life().min(LOOK_EVERY)).await;
            if let Ok(Err(Error::Unauthenticated)) =
                timeout(token.life(), self.renewed(&pass)).await
            {
                return;
            }
        }
    }

    /// Asks the store once for all who want to know at about the same time.
    async fn find(&self, ticket: &Ticket) -> Result<Caller> {
        match self.finding(ticket).await {
            Found::Good(caller) => Ok(caller),
            Found::Bad => Err(Error::Unauthenticated),
            Found::Nothing => self.look_up(ticket).await,
        }
    }

    fn finding(&self, ticket: &Ticket) -> Shared<BoxFuture<'static, Found>> {
        let mut findings = self.findings.lock().expect("nothing panics while it holds this lock");
        let changes = self.control_plane.caller_changes();
        let is_fresh = |finding: &Finding| {
            finding.changes == changes && finding.asked_at.elapsed() < FINDING_LIFE
        };
        if let Some(finding) = findings.get(ticket).filter(|finding| is_fresh(finding)) {
            return finding.found.clone();
        }
        if findings.len() == findings.capacity() {
            findings.retain(|_, finding| is_fresh(finding));
        }
        let (gatekeeper, wanted) = (self.clone(), ticket.clone());
        // In a task of its own: whoever asked may be busy with something else.
        let asked = tokio::spawn(async move {
            match gatekeeper.look_up(&wanted).await {
                Ok(caller) => Found::Good(caller),
                Err(Error::Unauthenticated) => Found::Bad,
                Err(_) => Found::Nothing,
            }
        });
        let found = asked.map(|found| found.unwrap_or(Found::Nothing)).boxed().shared();
        let finding = Finding { asked_at: Instant::now(), changes, found: found.clone() };
        findings.insert(ticket.clone(), finding);
        found
    }

    async fn look_up(&self, ticket: &Ticket) -> Result<Caller> {
        let caller = self.control_plane.caller(ticket).await?;
        self.note_use(&caller);
        Ok(caller)
    }

    /// Notes now and then that an API token is in use, while nobody waits for it.
    fn note_use(&self, caller: &Caller) {
        let Caller::User(actor) = caller else { return };
        let Credential::ApiToken { id, last_used_at, .. } = actor.credential else { return };
        if !ApiToken::use_is_news(last_used_at, SystemClock.now()) {
            return;
        }
        let control_plane = Arc::clone(&self.control_plane);
        tokio::spawn(async move {
            if let Err(error) = control_plane.use_api_token(id).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the use of an API token could not be noted");
            }
        });
    }
}

impl Token {
    fn is_expired(&self) -> bool {
        self.life().is_zero()
    }

    /// How long it is good for.
    fn life(&self) -> Duration {
        let Some(expires_at) = self.expires_at else { return Duration::MAX };
        Duration::try_from(expires_at.duration_since(SystemClock.now())).unwrap_or_default()
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
