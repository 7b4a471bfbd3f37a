use super::Operation::{
    ChangePassword, Compare, EndSession, Refresh, Revoke, RevokeFamily, Settle, SignIn, SignUp, Spend, Use, UseSession,
};
use super::Outcome::{Done, Refused, Unknown};
use super::*;

/// Operations on one key, each begun and ended at these seconds.
fn history(operations: &[(u64, u64, Operation, Outcome, &str)]) -> Vec<Record> {
    let record = |(begun, ended, operation, outcome, said): &(u64, u64, Operation, Outcome, &str)| Record {
        key: "key".to_owned(),
        operation: operation.clone(),
        begun: Duration::from_secs(*begun),
        ended: (*outcome != Unknown).then(|| Duration::from_secs(*ended)),
        outcome: *outcome,
        said: (*said).to_owned(),
    };
    operations.iter().map(record).collect()
}

/// One after the other.
fn in_turn(operations: &[(Operation, Outcome, &str)]) -> Vec<Record> {
    let timed = operations
        .iter()
        .zip(0..)
        .map(|((operation, outcome, said), turn)| (2 * turn, 2 * turn + 1, operation.clone(), *outcome, *said));
    history(&timed.collect::<Vec<_>>())
}

#[track_caller]
fn holds(records: &[Record]) {
    assert_eq!(violations(records), []);
}

#[track_caller]
fn breaks(invariant: &str, how: &str, records: &[Record]) {
    let found = violations(records);
    assert!(found.iter().any(|found| found.invariant == invariant && found.what.contains(how)), "{how}: {found:#?}");
}

fn using(session: &str) -> Operation {
    UseSession { session: session.to_owned() }
}

fn ending(session: &str) -> Operation {
    EndSession { session: session.to_owned(), within: session.to_owned() }
}

fn changing(within: &str, from: usize, to: usize) -> Operation {
    ChangePassword { within: within.to_owned(), from, to }
}

const UP: Operation = SignUp { password: 0 };
const IN: Operation = SignIn { password: 0 };
const IN_NEW: Operation = SignIn { password: 1 };

#[test]
fn an_accepted_sign_up_signs_in() {
    holds(&in_turn(&[(UP, Done, ""), (IN, Done, "a"), (using("a"), Done, "")]));
    breaks("I1", "cannot sign in", &in_turn(&[(UP, Done, ""), (IN, Refused, "")]));
    breaks("I14", "no order", &in_turn(&[(UP, Refused, "")]));
}

#[test]
fn a_sign_up_without_an_answer_happened_or_not_and_stays_so() {
    holds(&in_turn(&[(UP, Unknown, ""), (IN, Done, "a")]));
    holds(&in_turn(&[(UP, Unknown, ""), (IN, Refused, ""), (UP, Done, ""), (IN, Done, "a")]));
    // It may be late: the answer of a sign-in that was there before tells nothing.
    holds(&in_turn(&[(UP, Unknown, ""), (IN, Refused, ""), (IN, Done, "a")]));
    breaks("I1", "cannot sign in", &in_turn(&[(UP, Unknown, ""), (IN, Done, "a"), (IN, Refused, "")]));
    breaks("I14", "no order", &in_turn(&[(UP, Refused, ""), (UP, Unknown, "")]));
}

#[test]
fn an_address_has_one_account() {
    let other = SignUp { password: 1 };
    breaks("I10", "given twice", &in_turn(&[(UP, Done, ""), (other.clone(), Done, "")]));
    // At the same time, one wins; which one is seen later must be the one that was told so.
    let contest = |winner: Operation, won: Outcome| {
        history(&[(0, 3, UP, won, ""), (1, 2, other.clone(), Refused, ""), (4, 5, winner, Done, "a")])
    };
    holds(&contest(IN, Done));
    holds(&contest(IN, Unknown));
    breaks("I7", "present password", &contest(IN_NEW, Done));
}

#[test]
fn a_changed_password_is_the_only_one_that_works() {
    let changed = [(UP, Done, ""), (IN, Done, "a"), (changing("a", 0, 1), Done, "")];
    let and = |operation: Operation, outcome| in_turn(&[changed.as_slice(), &[(operation, outcome, "b")]].concat());
    holds(&and(IN_NEW, Done));
    holds(&and(IN, Refused));
    breaks("I7", "present password", &and(IN, Done));
    breaks("I7", "present password", &and(IN_NEW, Refused));
}

#[test]
fn a_change_without_an_answer_leaves_one_of_the_two_passwords() {
    let begun = [(UP, Done, ""), (IN, Done, "a"), (changing("a", 0, 1), Unknown, "")];
    let and = |more: &[(Operation, Outcome, &'static str)]| in_turn(&[begun.as_slice(), more].concat());
    holds(&and(&[(IN, Refused, ""), (IN_NEW, Done, "b")]));
    holds(&and(&[(IN, Done, "b"), (IN_NEW, Refused, "")]));
    breaks("I7", "present password", &and(&[(IN_NEW, Done, "b"), (IN, Done, "c")]));
    breaks("I7", "present password", &and(&[(IN_NEW, Done, "b"), (IN_NEW, Refused, "")]));
    breaks("I7", "present password", &and(&[(SignIn { password: 2 }, Done, "b")]));
}

#[test]
fn a_change_ends_the_other_sessions_once_all_is_settled() {
    let changed = [(UP, Done, ""), (IN, Done, "a"), (IN, Done, "b"), (changing("a", 0, 1), Done, "")];
    let and = |more: &[(Operation, Outcome, &'static str)]| in_turn(&[changed.as_slice(), more].concat());
    holds(&and(&[(using("b"), Done, ""), (using("a"), Done, ""), (Settle, Done, ""), (using("b"), Refused, "")]));
    holds(&and(&[(using("b"), Refused, ""), (Settle, Done, ""), (using("a"), Done, "")]));
    breaks("I7", "survived", &and(&[(Settle, Done, ""), (using("b"), Done, "")]));
    breaks("I7", "survived", &and(&[(using("b"), Refused, ""), (using("b"), Done, "")]));
    breaks("I14", "lost", &and(&[(using("a"), Refused, "")]));
}

#[test]
fn a_sign_in_during_a_change_is_before_or_after_it() {
    let with = |answer: Outcome, later: Outcome| {
        history(&[
            (0, 1, UP, Done, ""),
            (2, 3, IN, Done, "a"),
            (4, 9, changing("a", 0, 1), Done, ""),
            (5, 8, IN, answer, if answer == Done { "b" } else { "" }),
            (10, 10, Settle, Done, ""),
            (11, 12, using("b"), later, ""),
        ])
    };
    holds(&with(Done, Refused));
    holds(&with(Refused, Refused));
    breaks("I7", "survived", &with(Done, Done));
}

#[test]
fn an_ended_session_stays_ended() {
    let opened = [(UP, Done, ""), (IN, Done, "a")];
    let and = |more: &[(Operation, Outcome, &'static str)]| in_turn(&[opened.as_slice(), more].concat());
    holds(&and(&[(ending("a"), Done, ""), (using("a"), Refused, "")]));
    holds(&and(&[(ending("a"), Unknown, ""), (using("a"), Done, ""), (using("a"), Refused, "")]));
    breaks("I6", "ended session lives", &and(&[(ending("a"), Done, ""), (using("a"), Done, "")]));
    breaks(
        "I6",
        "ended session lives",
        &and(&[(ending("a"), Unknown, ""), (using("a"), Refused, ""), (using("a"), Done, "")]),
    );
    breaks("I14", "lost", &and(&[(using("a"), Refused, "")]));
}

#[test]
fn a_one_time_secret_is_spent_once() {
    holds(&in_turn(&[(Spend, Done, ""), (Spend, Refused, "")]));
    holds(&in_turn(&[(Spend, Unknown, ""), (Spend, Done, "")]));
    breaks("I4", "spent again", &in_turn(&[(Spend, Done, ""), (Spend, Refused, ""), (Spend, Done, "")]));
    breaks("I4", "spent again", &history(&[(0, 5, Spend, Done, ""), (1, 4, Spend, Done, "")]));
}

#[test]
fn a_secret_works_until_it_is_spent_or_guessed_at_too_often() {
    let guessed = |times: usize| in_turn(&[vec![(Compare, Unknown, ""); times], vec![(Spend, Refused, "")]].concat());
    holds(&guessed(5));
    breaks("I14", "nobody spent", &guessed(4));
    holds(&in_turn(&[(Spend, Unknown, ""), (Spend, Refused, "")]));
    breaks("I14", "nobody spent", &in_turn(&[(Spend, Refused, ""), (Spend, Done, "")]));
}

#[test]
fn attempts_are_counted_to_the_cap_and_no_further() {
    let guesses = |said: &[&'static str]| {
        let guesses = said.iter().map(|said| (Compare, Refused, *said));
        in_turn(&guesses.collect::<Vec<_>>())
    };
    holds(&guesses(&["1", "2", "3", "4", "5", "", ""]));
    holds(&in_turn(&[(Compare, Refused, "1"), (Compare, Unknown, ""), (Compare, Refused, "3"), (Compare, Done, "")]));
    breaks("I5", "too many", &guesses(&["1", "2", "3", "4", "5", "5"]));
    breaks("I5", "more attempts", &guesses(&["6"]));
    breaks("I5", "not counted", &guesses(&["1", "2", "1"]));
    let right = (Compare, Done, "");
    let wrong = ["1", "2", "3", "4", "5"].map(|said| (Compare, Refused, said));
    breaks("I5", "too many", &in_turn(&[wrong.as_slice(), &[right]].concat()));
    // At the same time they may be counted in any order.
    holds(&history(&[(0, 3, Compare, Refused, "2"), (1, 4, Compare, Refused, "1")]));
}

#[test]
fn revoked_stays_revoked() {
    holds(&in_turn(&[(Use, Done, ""), (Revoke, Done, ""), (Use, Refused, "")]));
    holds(&in_turn(&[(Revoke, Unknown, ""), (Use, Done, "")]));
    holds(&in_turn(&[(Revoke, Unknown, ""), (Use, Done, ""), (Use, Refused, "")]));
    holds(&history(&[(0, 5, Revoke, Done, ""), (1, 4, Use, Done, "")]));
    breaks("I6", "a revoked credential works", &in_turn(&[(Revoke, Done, ""), (Use, Done, "")]));
    breaks("I6", "works again", &in_turn(&[(Revoke, Unknown, ""), (Use, Refused, ""), (Use, Done, "")]));
    breaks("I14", "nobody revoked", &in_turn(&[(Use, Refused, "")]));
    breaks("I14", "nobody revoked", &in_turn(&[(Use, Refused, ""), (Revoke, Done, "")]));
}

fn refresh(presented: &str) -> Operation {
    Refresh { presented: presented.to_owned() }
}

#[test]
fn a_family_has_one_live_token() {
    holds(&in_turn(&[(refresh("r"), Done, "s"), (refresh("s"), Done, "t"), (refresh("t"), Done, "u")]));
    holds(&in_turn(&[(refresh("r"), Done, "s"), (refresh("r"), Done, "s"), (refresh("s"), Done, "t")]));
    holds(&in_turn(&[(refresh("r"), Done, "s"), (refresh("s"), Done, "t"), (refresh("r"), Refused, "")]));
    breaks(
        "I8",
        "whose successor was used",
        &in_turn(&[(refresh("r"), Done, "s"), (refresh("s"), Done, "t"), (refresh("r"), Done, "s")]),
    );
    breaks("I8", "another successor at once", &in_turn(&[(refresh("r"), Done, "s"), (refresh("r"), Done, "x")]));
    breaks("I8", "ended family", &in_turn(&[(RevokeFamily, Done, ""), (refresh("r"), Done, "s")]));
    breaks("I8", "ended family", &in_turn(&[(refresh("r"), Refused, ""), (refresh("s"), Done, "t")]));
}

#[test]
fn a_lost_answer_is_replaced_after_the_window_and_the_replaced_token_is_dead() {
    let replaced = [(0, 1, refresh("r"), Done, "s"), (20, 21, refresh("r"), Done, "x")];
    let and = |more: (u64, u64, Operation, Outcome, &'static str)| history(&[replaced.as_slice(), &[more]].concat());
    holds(&and((22, 23, refresh("x"), Done, "y")));
    holds(&and((22, 23, refresh("s"), Refused, "")));
    breaks("I8", "was replaced", &and((22, 23, refresh("s"), Done, "y")));
    // The first one may have been made by the presentation whose answer was lost: the window begins there.
    holds(&history(&[
        (0, 0, refresh("r"), Unknown, ""),
        (9, 9, refresh("r"), Done, "s"),
        (11, 12, refresh("r"), Done, "x"),
    ]));
    breaks(
        "I8",
        "another successor at once",
        &history(&[(1, 2, refresh("r"), Done, "s"), (10, 11, refresh("r"), Done, "x")]),
    );
}

#[test]
fn an_operation_that_is_never_ended_is_one_without_an_answer() {
    let history = History::default();
    drop(history.begin("key", Spend));
    history.begin("key", Spend).end(Done, "said");
    let records = history.records();
    assert_eq!((records[0].outcome, records[0].ended), (Unknown, None));
    assert_eq!((records[1].outcome, records[1].said.as_str()), (Done, "said"));
    assert!(records[1].ended >= Some(records[1].begun) && records[1].begun >= records[0].begun);
}
