//! After a cut was acknowledged nothing born below it is ever accepted, in any interleaving of sign-ins, cuts and repeats.

use std::sync::Mutex;

use futures::future::join_all;
use tessera_common::random::Random;
use tessera_contracts::ids::UserId;
use tessera_contracts::sessions::{BeginSignIn, Credential, Cut, Entry, SessionBegun, SessionsApi as _};
use tessera_testkit::{TestApp, on_every_database};

use crate::support::{account, begin, credential, is_accepted, new_id, sign_in};

/// Things that happen to one user, several at a time.
struct History<'a> {
    app: &'a TestApp,
    random: &'a Random,
    user: UserId,
    /// Sign-ins that were answered, with the epoch that keeps them alive: their own, or that of a cut that kept them.
    born: Mutex<Vec<(i64, BeginSignIn, SessionBegun)>>,
    /// The highest cut that was acknowledged.
    cut: Mutex<i64>,
}

impl History<'_> {
    async fn step(&self) {
        match self.random.below(6) {
            0 => self.cut(None).await,
            1 => {
                let kept = self.any_sign_in();
                self.cut(kept).await;
            }
            2 => {
                if let Some((_, sign_in, _)) = self.any_sign_in() {
                    self.sign_in(sign_in).await;
                }
            }
            _ => {
                let entry = if self.random.below(3) == 0 { Entry::Api } else { Entry::Browser };
                let client = self.any_sign_in().map(|(.., begun)| credential(&begun));
                let client = client.filter(|client| matches!(client, Credential::Cookie(_)) && entry != Entry::Api);
                self.sign_in(sign_in(self.app, account(self.app, self.user, self.epoch()), entry, client)).await;
            }
        }
    }

    /// An epoch of the account around those that were cut.
    fn epoch(&self) -> i64 {
        1 + i64::from(self.random.below(5))
    }

    fn any_sign_in(&self) -> Option<(i64, BeginSignIn, SessionBegun)> {
        let born = self.born.lock().unwrap();
        let count = u32::try_from(born.len()).unwrap();
        (count > 0).then(|| born[usize::try_from(self.random.below(count)).unwrap()].clone())
    }

    async fn sign_in(&self, wanted: BeginSignIn) {
        let (epoch, op, cut_before) = (wanted.account.epoch, wanted.op, *self.cut.lock().unwrap());
        let Some(begun) = begin(self.app, wanted.clone()).await else { return };
        let mut born = self.born.lock().unwrap();
        if born.iter().all(|(_, known, _)| known.op != op) {
            assert!(epoch >= cut_before, "a sign-in of epoch {epoch} began after a cut at {cut_before}");
            born.push((epoch, wanted, begun));
        }
    }

    async fn cut(&self, kept: Option<(i64, BeginSignIn, SessionBegun)>) {
        let epoch = self.epoch();
        if let Some((_, kept, _)) = &kept {
            // From now on it may live by this cut.
            let mut born = self.born.lock().unwrap();
            let of_kept = born.iter_mut().filter(|(_, known, _)| known.op == kept.op);
            of_kept.for_each(|(lives_by, ..)| *lives_by = epoch.max(*lives_by));
        }
        let keep = kept.map(|(.., begun)| begun.id);
        let cut = Cut { user: self.user, epoch, disabled: false, keep };
        let done = self.app.platform.sessions().cut(cut).await.expect("a cut");
        assert!(done.floor >= epoch);
        {
            let mut highest = self.cut.lock().unwrap();
            *highest = epoch.max(*highest);
        }
        self.nothing_below_the_cut_is_accepted().await;
    }

    async fn nothing_below_the_cut_is_accepted(&self) {
        let (cut, born) = (*self.cut.lock().unwrap(), self.born.lock().unwrap().clone());
        for (lives_by, _, begun) in born.iter().filter(|(lives_by, ..)| *lives_by < cut) {
            assert!(
                !is_accepted(self.app, self.user, begun).await,
                "born under {lives_by}, and accepted after a cut at {cut}"
            );
        }
    }
}

on_every_database! {
    async fn whatever_the_order(app: TestApp) {
        let random = Random::seeded(6);
        for _ in 0..25 {
            let history = History {
                app: &app,
                random: &random,
                user: new_id().into(),
                born: Mutex::default(),
                cut: Mutex::default(),
            };
            for _ in 0..4 {
                join_all((0..5).map(|_| history.step())).await;
                history.nothing_below_the_cut_is_accepted().await;
            }
            let above = *history.cut.lock().unwrap();
            let begun = begin(&app, sign_in(&app, account(&app, history.user, above), Entry::Browser, None)).await;
            let begun = begun.expect("what is born at the floor begins");
            assert!(is_accepted(&app, history.user, &begun).await, "and lives");
        }
    }
}
