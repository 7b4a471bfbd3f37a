//! The same platform in its two shapes: what a journey is, does not depend on which.

use crate::api::Api;
use crate::folder::DataFolder;
use crate::instance::Instance;
use crate::services::{Services, Setup};

/// A running platform.
#[derive(Debug)]
pub enum Shape {
    /// One process and its folder; no process while it is down.
    AllInOne(Option<Instance>, DataFolder),
    /// Four services.
    FourServices(Services),
}

impl Shape {
    /// One process on a folder of its own.
    pub async fn all_in_one() -> Self {
        let folder = DataFolder::new();
        Self::AllInOne(Some(Instance::start(&folder).await), folder)
    }

    /// Four services.
    pub async fn four_services(setup: &Setup) -> Self {
        Self::FourServices(Services::start(setup).await)
    }

    /// A new caller of its public origin, which stays the same over restarts.
    ///
    /// # Panics
    /// When it is down.
    #[must_use]
    pub fn api(&self) -> Api {
        match self {
            Self::AllInOne(instance, _) => instance.as_ref().expect("it runs").api(),
            Self::FourServices(services) => services.api(),
        }
    }

    /// Asks every process to end, and starts them again on what they have kept.
    ///
    /// # Panics
    /// When one does not end with success, or does not become ready.
    pub async fn restart(&mut self) {
        match self {
            Self::AllInOne(instance, folder) => {
                let status = instance.take().expect("it runs").terminate().await;
                assert!(status.success(), "{status}: {}", folder.log());
                *instance = Some(Instance::start(folder).await);
            }
            Self::FourServices(services) => services.restart().await,
        }
    }

    /// What its processes have said so far.
    #[must_use]
    pub fn log(&self) -> String {
        match self {
            Self::AllInOne(_, folder) => folder.log(),
            Self::FourServices(services) => services.log(),
        }
    }
}
