use super::*;
use crate::daemon::control::{ask, follow};
use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;

impl ControlClient {
    fn waiting(&self) -> usize {
        match &self.state {
            ClientState::Following(_, waiting) => waiting.len(),
            ClientState::AwaitRequest(_) | ClientState::AwaitTaking(_) => 0,
        }
    }
}

/// Serves `control` until `client` is through.
fn with_server<T: Send>(
    control: &mut Control,
    mut reply: impl FnMut(Request) -> Reply,
    client: impl FnOnce() -> T + Send,
) -> T {
    std::thread::scope(|scope| {
        let asking = scope.spawn(client);
        while !asking.is_finished() {
            control.serve(&mut reply);
            std::thread::yield_now();
        }
        asking.join().unwrap()
    })
}

#[test]
fn a_question_is_answered_and_a_silent_client_delays_nobody() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let _silent = UnixStream::connect(&path).unwrap();
    let reply = |request| Reply::Once(ControlAnswer::nothing(format!("{request:?}")));
    let answer = with_server(&mut control, reply, || ask(&path, &Request::StatusJson));
    assert_eq!(answer.unwrap(), ControlAnswer::nothing("StatusJson"));
    drop(control);
    assert!(ask(&path, &Request::Status).unwrap_err().to_string().contains("no minewall is running"));
}

#[test]
fn idle_clients_lock_nobody_out() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    let reply = |_| Reply::Once(ControlAnswer::done("fine"));
    let answer = with_server(&mut control, reply, || {
        let idle: Vec<UnixStream> = (0..200).map(|_| UnixStream::connect(&path).unwrap()).collect();
        let answer = ask(&path, &Request::Status);
        drop(idle);
        answer
    });
    assert_eq!(answer.unwrap(), ControlAnswer::done("fine"));
    assert!(control.clients.len() <= CONTROL_CLIENTS);
}

/// Followers that never read take their places, and no more.
#[test]
fn a_follower_that_never_reads_is_dropped_and_questions_are_answered() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    let reply = |request| match request {
        Request::Follow => Reply::Stream(Stream::Events, String::new()),
        _ => Reply::Once(ControlAnswer::done("fine")),
    };
    let deaf = with_server(&mut control, reply, || {
        (0..CONTROL_FOLLOWERS).map(|_| follow(&path, &Request::Follow).unwrap()).collect::<Vec<_>>()
    });
    let line = "x".repeat(crate::limits::EVENT_LINE_MAX_BYTES);
    let mut published = 0;
    while control.following().count() > 0 {
        control.publish(Stream::Events, &line);
        published += 1;
        assert!(published < 10_000, "what the socket's buffers hold and {CONTROL_STREAM_BYTES} bytes more");
    }
    assert_eq!(control.following().count(), 0);
    assert_eq!(
        with_server(&mut control, reply, || ask(&path, &Request::Status)).unwrap(),
        ControlAnswer::done("fine")
    );
    drop(deaf);
}

/// An answer larger than any socket's buffer, to a client that takes its time.
#[test]
fn a_long_answer_arrives_whole() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    let text = "x".repeat(CONTROL_ANSWER_BYTES - 3);
    let reply = |_| Reply::Once(ControlAnswer::done(text.clone()));
    let answer = with_server(&mut control, reply, || ask(&path, &Request::ListJson));
    assert!(answer.unwrap().text == text);
    control.serve(|_| unreachable!());
    assert!(!control.has_clients());
}

#[test]
fn who_follows_is_told_and_who_asks_something_else_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    let reply = |request| match request {
        Request::Follow => Reply::Stream(Stream::Events, String::new()),
        _ => Reply::Stream(Stream::Shared, "known\n".into()),
    };
    let (events, shared) = with_server(&mut control, reply, || {
        (follow(&path, &Request::Follow).unwrap(), follow(&path, &Request::FollowShared).unwrap())
    });
    control.publish(Stream::Events, "an event");
    control.publish(Stream::Shared, "a pool");
    drop(control);
    let lines = |stream: std::io::BufReader<UnixStream>| -> Vec<String> {
        stream.lines().map(Result::unwrap).collect()
    };
    assert_eq!(lines(events), ["an event"]);
    assert_eq!(lines(shared), ["known", "a pool"]);
}

/// However much there is to tell, the daemon's end takes bounded memory and never waits; those that
/// read get every line.
#[test]
fn a_follower_that_does_not_read_is_dropped() {
    const LINES: usize = 40_000;
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    let reply = |_| Reply::Stream(Stream::Events, String::new());
    let (reads, _sleeps) = with_server(&mut control, reply, || {
        (follow(&path, &Request::Follow).unwrap(), follow(&path, &Request::Follow).unwrap())
    });
    let line = "e".repeat(100);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut lines = reads.lines();
            (lines.by_ref().map_while(Result::ok).take(LINES).count(), lines)
        });
        for _ in 0..LINES {
            control.publish(Stream::Events, &line);
            // The first reads, but may be slow to begin with.
            while control.clients.first().is_some_and(|client| client.waiting() > CONTROL_STREAM_BYTES / 2) {
                control.serve(|_| unreachable!());
            }
        }
        while !reader.is_finished() {
            control.serve(|_| unreachable!());
        }
        let (told, _reads) = reader.join().unwrap();
        assert_eq!(told, LINES);
        assert_eq!(control.following().count(), 1, "only who reads");
    });
}

/// The run loop waits for all ready descriptors: one that stays ready would keep it busy for ever.
#[test]
fn a_follower_that_neither_reads_nor_writes_any_more_wakes_nobody() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    let reply = |_| Reply::Stream(Stream::Events, String::new());
    let mute = with_server(&mut control, reply, || follow(&path, &Request::Follow).unwrap());
    while control.clients[0].waiting() == 0 {
        control.publish(Stream::Events, &"e".repeat(100));
    }
    mute.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    control.serve(|_| unreachable!());
    let mut descriptors: Vec<_> = control
        .descriptors()
        .map(|(fd, awaited)| rustix::event::PollFd::from_borrowed_fd(fd, awaited))
        .collect();
    let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut descriptors, Some(&at_once)), Ok(0));
    drop(descriptors);
    drop(mute);
    control.serve(|_| unreachable!());
    assert_eq!(control.following().count(), 0);
}

#[test]
fn followers_leave_places_for_questions_and_are_forgotten_when_they_go() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    let reply = |request| match request {
        Request::Follow => Reply::Stream(Stream::Events, String::new()),
        _ => Reply::Once(ControlAnswer::done("fine\n")),
    };
    let followers = with_server(&mut control, reply, || {
        let followers: Vec<_> =
            (0..CONTROL_FOLLOWERS).map(|_| follow(&path, &Request::Follow).unwrap()).collect();
        let why = follow(&path, &Request::Follow).unwrap_err().to_string();
        assert_eq!(why, "too many follow already");
        assert_eq!(ask(&path, &Request::Status).unwrap().text, "fine\n");
        followers
    });
    drop(followers);
    while control.following().count() > 0 {
        control.serve(|_| unreachable!());
    }
}

#[test]
fn a_socket_left_behind_is_replaced_and_a_live_one_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    drop(UnixListener::bind(&path).unwrap());
    let _control = Control::bind(&path).unwrap();
    assert!(Control::bind(&path).unwrap_err().contains("another minewall"));
}

#[test]
fn what_is_no_socket_is_not_replaced() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    fs::write(&path, "precious").unwrap();
    assert!(Control::bind(&path).unwrap_err().contains("not a socket"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
}

#[test]
fn an_endless_request_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("control.sock");
    let mut control = Control::bind(&path).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(&[b'x'; CONTROL_REQUEST_BYTES * 2]).unwrap();
    let mut text = String::new();
    for _ in 0..2 {
        control.serve(|_| unreachable!());
    }
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "refused\nunknown request\n");
}
