//! Calls that are queued with a change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tessera_messaging::durable_call;
use tessera_messaging::{CallId, Dispatch, DispatchError, DurableCall, DurableCalls};
use tokio::sync::{Notify, watch};

use crate::support::World;

on_both_engines!(
    what_is_rolled_back_is_never_called,
    an_acknowledged_call_is_made_once,
    a_call_is_repeated_until_acknowledged,
    the_caller_gives_up_waiting_but_not_the_call,
    a_failing_call_does_not_hold_back_others,
    one_claim_excludes_another,
    a_call_of_a_dead_process_is_taken_over,
    the_loop_finishes_what_it_began,
);

#[derive(Debug, Serialize, Deserialize)]
struct Cut {
    user: String,
}

impl DurableCall for Cut {
    const KIND: &'static str = "sessions.cut.v1";
}

/// A callee that fails for the users it is told, and can be made to hang.
#[derive(Default)]
struct Callee {
    failing: Mutex<HashMap<String, u32>>,
    calls: Mutex<Vec<String>>,
    hang: Mutex<bool>,
    entered: Notify,
    go_on: Notify,
}

impl Callee {
    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn fails(&self, user: &str, times: u32) {
        self.failing.lock().unwrap().insert(user.to_owned(), times);
    }

    fn hangs(&self) {
        *self.hang.lock().unwrap() = true;
    }
}

#[async_trait]
impl Dispatch for Callee {
    async fn dispatch(&self, kind: &str, payload: &str) -> Result<(), DispatchError> {
        if kind != Cut::KIND {
            return Err(DispatchError::UnknownKind);
        }
        let cut: Cut = durable_call::read(payload)?;
        self.calls.lock().unwrap().push(cut.user.clone());
        let hang = *self.hang.lock().unwrap();
        if hang {
            self.entered.notify_one();
            self.go_on.notified().await;
        }
        let left = match self.failing.lock().unwrap().get_mut(&cut.user) {
            Some(left) if *left > 0 => {
                *left -= 1;
                *left
            }
            _ => return Ok(()),
        };
        assert!(left % 2 == 0, "a callee may panic too");
        Err(DispatchError::Failed("down".to_owned()))
    }
}

fn calls(world: &World) -> (Arc<Callee>, DurableCalls) {
    let callee = Arc::new(Callee::default());
    let calls = DurableCalls::new(world.db.clone(), world.clock.clone(), callee.clone());
    // Nobody gives up waiting because the machine is busy.
    (callee, calls.patient_for(Duration::from_secs(60)))
}

async fn queued(world: &World, user: &str) -> CallId {
    let mut tx = world.db.begin().await.unwrap();
    let cut = Cut { user: user.to_owned() };
    let id = durable_call::queue(&mut tx, &cut, world.clock.now(), &world.random).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn left(world: &World) -> i64 {
    world.count("select count(*) from durable_calls").await
}

async fn what_is_rolled_back_is_never_called(world: &World) {
    let (callee, calls) = calls(world);
    let mut tx = world.db.begin().await.unwrap();
    let cut = Cut { user: "ada".to_owned() };
    let id = durable_call::queue(&mut tx, &cut, world.clock.now(), &world.random).await.unwrap();
    drop(tx);
    world.seconds_pass(1);
    assert!(!calls.try_now(id).await);
    assert_eq!((calls.try_due().await.unwrap(), callee.calls().len()), (0, 0));
}

async fn an_acknowledged_call_is_made_once(world: &World) {
    let (callee, calls) = calls(world);
    let id = queued(world, "ada").await;
    assert!(calls.try_now(id).await);
    assert!(!calls.try_now(id).await);
    world.seconds_pass(60);
    assert_eq!(calls.try_due().await.unwrap(), 0);
    assert_eq!((callee.calls(), left(world).await), (vec!["ada".to_owned()], 0));
}

async fn a_call_is_repeated_until_acknowledged(world: &World) {
    let (callee, calls) = calls(world);
    callee.fails("ada", 3);
    let id = queued(world, "ada").await;
    assert!(!calls.try_now(id).await);
    assert_eq!(calls.try_due().await.unwrap(), 0, "not due before a second has passed");
    assert_eq!(callee.calls().len(), 1);
    world.seconds_pass(1);
    assert_eq!(calls.try_due().await.unwrap(), 0);
    world.seconds_pass(1);
    assert_eq!(calls.try_due().await.unwrap(), 0);
    let waiting = durable_call::unacknowledged(&world.db).await.unwrap();
    assert_eq!((waiting.number, waiting.age_s(world.clock.now())), (1, 2.0));
    world.seconds_pass(1);
    assert_eq!(calls.try_due().await.unwrap(), 1);
    assert_eq!((callee.calls().len(), left(world).await), (4, 0));
}

async fn the_caller_gives_up_waiting_but_not_the_call(world: &World) {
    let (callee, calls) = calls(world);
    let calls = calls.patient_for(Duration::ZERO);
    callee.hangs();
    let id = queued(world, "ada").await;
    assert!(!calls.try_now(id).await);
    callee.entered.notified().await;
    callee.go_on.notify_one();
    while left(world).await > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(callee.calls(), ["ada"]);
}

async fn a_failing_call_does_not_hold_back_others(world: &World) {
    let (callee, calls) = calls(world);
    callee.fails("ada", u32::MAX);
    queued(world, "ada").await;
    queued(world, "bob").await;
    queued(world, "eve").await;
    world.seconds_pass(1);
    assert_eq!(calls.try_due().await.unwrap(), 2);
    assert_eq!(left(world).await, 1);
}

async fn one_claim_excludes_another(world: &World) {
    let (callee, first) = calls(world);
    let second = DurableCalls::new(world.db.clone(), world.clock.clone(), callee.clone());
    callee.hangs();
    let id = queued(world, "ada").await;
    let under_way = tokio::spawn(async move { first.try_now(id).await });
    callee.entered.notified().await;
    world.seconds_pass(1);
    assert_eq!(second.try_due().await.unwrap(), 0);
    assert!(!second.try_now(id).await);
    callee.go_on.notify_one();
    under_way.await.unwrap();
    while left(world).await > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(callee.calls(), ["ada"]);
}

async fn a_call_of_a_dead_process_is_taken_over(world: &World) {
    let (callee, calls) = calls(world);
    callee.hangs();
    queued(world, "ada").await;
    world.seconds_pass(1);
    {
        let dying = calls.try_due();
        tokio::pin!(dying);
        tokio::select! {
            _ = &mut dying => unreachable!("the callee hangs"),
            () = callee.entered.notified() => {}
        }
    }
    *callee.hang.lock().unwrap() = false;
    world.seconds_pass(1);
    assert_eq!(calls.try_due().await.unwrap(), 0, "still claimed");
    world.seconds_pass(6);
    assert_eq!(calls.try_due().await.unwrap(), 1);
}

async fn the_loop_finishes_what_it_began(world: &World) {
    let (callee, calls) = calls(world);
    callee.hangs();
    queued(world, "ada").await;
    world.seconds_pass(1);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { calls.run(stopped).await });
    callee.entered.notified().await;
    stop.send(true).unwrap();
    callee.go_on.notify_one();
    running.await.unwrap();
    assert_eq!(left(world).await, 0);
}
