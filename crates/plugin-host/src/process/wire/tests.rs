use super::*;
use vestibule_plugin_abi::code;

fn answered(packet: &[u8]) -> Option<(u64, RawAnswer)> {
    match FromChild::parse(packet) {
        Ok(FromChild::Answer { id, answer }) => Some((id, answer)),
        _ => None,
    }
}

fn permissions() -> Question {
    Question::Permissions { service: "s".into(), user_id: "ü".into(), context_json: "{}".into() }
}

#[test]
fn questions_arrive_as_they_were_asked() {
    let event = |hook| Question::Event { hook, user_json: "{\"id\":1}".into() };
    let all = [
        permissions(),
        event(Hook::NewUser),
        event(Hook::UserLogin),
        event(Hook::UserLogout),
        Question::Health,
        Question::Explain { service: "s".into(), user_id: String::new(), context_json: "{}".into() },
    ];
    for question in all {
        let packet = ask(7, Duration::from_millis(1_500), &question);
        let Ok(ToChild::Ask { id, left, question: read }) = ToChild::parse(&packet) else { panic!() };
        assert_eq!((id, left), (7, Duration::from_millis(1_500)));
        assert_eq!(read.operation(), question.operation());
        assert_eq!(ask(7, left, &read), packet);
    }
}

#[test]
fn answers_arrive_as_they_were_given() {
    for reply in [
        RawReply::None,
        RawReply::One(b"{}".to_vec()),
        RawReply::Bad(BadReply::TooLarge),
        RawReply::Bad(BadReply::Several),
    ] {
        let given = RawAnswer { code: code::DENY, reply, error: "because".into(), ttl_seconds: Some(60) };
        let (id, read) = answered(&answer(u64::MAX, &given)).unwrap();
        assert_eq!((id, read.code, read.error), (u64::MAX, code::DENY, "because".to_owned()));
        assert_eq!((read.reply, read.ttl_seconds), (given.reply, Some(60)));
    }
}

#[test]
fn e7_no_part_of_a_packet_is_a_packet() {
    let given = RawAnswer { code: 0, reply: RawReply::One(b"{}".to_vec()), ..RawAnswer::default() };
    let whole = answer(1, &given);
    for length in 0..whole.len() {
        assert!(FromChild::parse(&whole[..length]).is_err(), "{length}");
    }
    assert!(FromChild::parse(&[&whole[..], b"x"].concat()).is_err());
    let question = ask(1, Duration::ZERO, &permissions());
    for length in 0..question.len() {
        assert!(ToChild::parse(&question[..length]).is_err(), "{length}");
    }
}

#[test]
fn e7_a_child_cannot_send_more_than_a_plugin_may_reply_nor_forge_a_line_of_the_log() {
    let large = RawAnswer { reply: RawReply::One(vec![b' '; 100_000]), ..RawAnswer::default() };
    let (_, read) = answered(&answer(1, &large)).unwrap();
    assert_eq!(read.reply, RawReply::Bad(BadReply::TooLarge));
    let forged = RawAnswer { error: "a\nINFO b".into(), ..RawAnswer::default() };
    assert_eq!(answered(&answer(1, &forged)).unwrap().1.error, "a\\nINFO b");
    let Ok(FromChild::Log { message, .. }) = FromChild::parse(&log(3, "a\r\n", "")) else { panic!() };
    assert_eq!(message, "a\\r\\n");
}
