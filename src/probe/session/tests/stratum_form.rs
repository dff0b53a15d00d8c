//! Errors in Stratum's form, `[code, text, traceback]`: what a pool's are worth, and what another server's are not.

use super::*;

const NOT_SUPPORTED: &str = "{\"id\":1,\"result\":null,\"error\":[20,\"Not supported.\",null]}\n";
const WRONG_PASSWORD: &str = "{\"id\":1,\"result\":null,\"error\":[20,\"Wrong password\",null]}\n";
const UNKNOWN: &str = "{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n";
const YES: &str = "{\"id\":1,\"result\":true,\"error\":null}\n";
const SUBSCRIBED: &str =
    "{\"id\":1,\"result\":[[[\"mining.notify\",\"b2\"]],\"08000002\",4],\"error\":null}\n";

/// The daemon's probe of a server that thinks for `delay` about every question.
fn asked_by_the_daemon(
    hint: Option<Dialect>,
    delay: Duration,
    answer: impl Fn(&str) -> &'static str,
) -> (Outcome, SessionBench) {
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, hint);
    bench.session.be_patient();
    let outcome = bench.run(false, |words| {
        ScriptedReply::Late(delay, answer(&String::from_utf8_lossy(words)).as_bytes().to_vec())
    });
    assert!(bench.session.bytes_sent() <= PROBE_SEND_BYTES, "{:?}", bench.told);
    (outcome, bench)
}

/// The first word to a server without a hint is a login; a pool of Stratum V1 refuses it, and is as slow to answer its
/// own subscription.
#[test]
fn a_slow_pool_that_refuses_other_dialects_is_heard_out() {
    for delay in [0, 1, 5, 15, 20] {
        for hint in [None, Some(Dialect::StratumV1), Some(Dialect::EthProxy), Some(Dialect::Grin)] {
            let delay = Duration::from_secs(delay);
            let (outcome, bench) = asked_by_the_daemon(hint, delay, |words| {
                if words.contains("mining.subscribe") { SUBSCRIBED } else { NOT_SUPPORTED }
            });
            let found = (outcome.verdict, outcome.dialect);
            assert_eq!(
                found,
                (ProbeVerdict::Pool, Some(Dialect::StratumV1)),
                "{hint:?}, {delay:?}: {outcome:?}, {:?}",
                bench.told
            );
        }
    }
}

/// The pool was too slow once; its refusal of another dialect says that it is worth another question.
#[test]
fn a_subscription_that_went_unanswered_is_asked_again() {
    let mut bench = SessionBench::new(TlsChoice::Plain, 3333, None);
    let outcome = bench.run(false, |words| match String::from_utf8_lossy(words) {
        words if words.contains("keepalived") => say(NOT_SUPPORTED),
        words if words.contains("\"body\"") => ScriptedReply::Silence,
        words if words.contains("mining.subscribe") => {
            ScriptedReply::Late(Duration::from_secs(8), SUBSCRIBED.into())
        }
        _ => ScriptedReply::Silence,
    });
    assert_eq!(outcome.verdict, ProbeVerdict::Pool, "{outcome:?}, {:?}", bench.told);
}

/// Pools that answer a subscription in no way of their own, and push no job in time.
#[test]
fn who_takes_the_subscription_and_refuses_the_control_in_stratums_form_is_a_pool() {
    for (hint, delay) in [(None, 0), (None, 6), (Some(Dialect::StratumV1), 0), (Some(Dialect::StratumV1), 6)]
    {
        let (outcome, _) = asked_by_the_daemon(hint, Duration::from_secs(delay), |words| {
            if words.contains("\"mining.") { YES } else { NOT_SUPPORTED }
        });
        let found = (outcome.verdict, outcome.dialect);
        assert_eq!(found, (ProbeVerdict::Pool, Some(Dialect::StratumV1)), "{hint:?}, {delay}: {outcome:?}");
        assert!(outcome.evidence.contains("mining.subscribe taken"), "{}", outcome.evidence);
    }
}

/// The job that comes of the second message is as late as the answer to the first.
#[test]
fn a_slow_pool_that_only_pushes_jobs_is_heard_out() {
    for hint in [None, Some(Dialect::StratumV1)] {
        let (outcome, _) = asked_by_the_daemon(hint, Duration::from_secs(9), |words| match words {
            _ if words.contains("mining.authorize") => {
                "{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[4096]}\n"
            }
            _ if words.contains("mining.subscribe") => YES,
            _ => NOT_SUPPORTED,
        });
        assert_eq!(outcome.verdict, ProbeVerdict::Pool, "{hint:?}: {outcome:?}");
    }
}

/// A subscription refused with the code that says nothing is a pool's only if the control fares otherwise.
#[test]
fn a_subscription_refused_with_code_20_needs_the_control() {
    let (outcome, _) = asked_by_the_daemon(None, Duration::ZERO, |words| {
        if words.contains("\"mining.") { NOT_SUPPORTED } else { UNKNOWN }
    });
    assert_eq!((outcome.verdict, outcome.dialect), (ProbeVerdict::Pool, Some(Dialect::StratumV1)));
    let (outcome, _) = asked_by_the_daemon(
        None,
        Duration::ZERO,
        |_| "{\"id\":1,\"result\":null,\"error\":[25,\"Not subscribed\",null]}\n",
    );
    assert_eq!(outcome.verdict, ProbeVerdict::Pool, "a code of shares and workers: {outcome:?}");
}

/// With every hint, and with fast and slow servers.
#[test]
fn servers_that_only_write_errors_so_are_no_pools() {
    type Answer = fn(&str) -> &'static str;
    let servers: [(&str, Answer); 7] = [
        ("refuses everything", |_| NOT_SUPPORTED),
        ("quotes the method", |words| match words {
            _ if words.contains("mining.subscribe") => {
                "{\"id\":1,\"error\":[20,\"no mining.subscribe\",null]}\n"
            }
            _ if words.contains("mining.hello") => "{\"id\":1,\"error\":[20,\"no mining.hello\",null]}\n",
            _ if words.contains("server.version") => "{\"id\":1,\"error\":[20,\"no server.version\",null]}\n",
            _ => "{\"id\":1,\"error\":[20,\"no such thing\",null]}\n",
        }),
        ("has a login of its own", |words| match words {
            _ if words.contains("\"login\"") => WRONG_PASSWORD,
            _ => UNKNOWN,
        }),
        ("has a login of its own, and writes all errors so", |words| match words {
            _ if words.contains("\"login\"") => WRONG_PASSWORD,
            _ => NOT_SUPPORTED,
        }),
        ("takes everything but a login", |words| match words {
            _ if words.contains("\"login\"") => WRONG_PASSWORD,
            _ => YES,
        }),
        ("takes any subscription, and no other login", |words| match words {
            _ if words.contains("mining.subscribe") => YES,
            _ => NOT_SUPPORTED,
        }),
        ("takes what begins so, and refuses the rest in another form", |words| match words {
            _ if words.contains("\"mining.") => YES,
            _ => UNKNOWN,
        }),
    ];
    for (name, answer) in servers {
        for delay in [0, 1, 5, 12] {
            for hint in [None].into_iter().chain(Dialect::all().map(Some)) {
                let (outcome, bench) = asked_by_the_daemon(hint, Duration::from_secs(delay), answer);
                let at = (name, delay, hint);
                assert_ne!(outcome.verdict, ProbeVerdict::Pool, "{at:?}: {outcome:?}, {:?}", bench.told);
            }
        }
    }
}
