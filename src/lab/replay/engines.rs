//! Engines for captures, each like the daemon's, but for its hash key, which is fixed.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, LazyLock};

use crate::config::Config;
use crate::daemon::{lists::Lists, model_file, problems::Problems};
use crate::dpi::signatures::{SignatureFile, Signatures};
use crate::engine::{Engine, Settings};
use crate::hmm::model::Model;
use crate::intel::{Intel, builtin};

/// Makes an engine for each capture.
pub(super) struct EngineMaker {
    settings: Settings,
    model: Box<Model>,
    lists: Option<Arc<Intel>>,
    signatures: Vec<SignatureFile>,
    max_flows: usize,
}

impl EngineMaker {
    /// Reads the model and the lists that `config` names.
    pub(super) fn new(config: &Config) -> Result<Self, String> {
        let signatures =
            SignatureFile::read_folders(&config.signatures).map_err(|refusal| refusal.to_string())?;
        Signatures::with_files(&signatures).map_err(|refusal| refusal.to_string())?;
        Ok(EngineMaker {
            signatures,
            settings: as_in_a_new_house(config),
            model: model_file::load(config)?,
            lists: Lists::start(config, &Problems::default()).current(),
            max_flows: config.max_flows,
        })
    }

    pub(super) fn engine(&self) -> Engine<FixedKey> {
        let mut engine =
            Engine::new(self.settings.clone(), self.model.clone(), self.max_flows, FixedKey::default());
        engine.replace_intel(self.lists.clone());
        // Each engine has its own; they have been compiled before, so they are good.
        engine.replace_signatures(Signatures::with_files(&self.signatures).unwrap_or_default());
        engine
    }
}

/// The configuration of a replay that is given none: the defaults, with what is built in only, so that it is
/// the same on every desk.
pub fn default_config() -> Config {
    Config { intel_lists: Vec::new(), signatures: Vec::new(), leases_files: Vec::new(), ..Config::default() }
}

/// An engine as the default configuration makes it, except that its hash key is fixed: the same capture is
/// inspected the same way every time.
///
/// # Panics
/// If the model that is part of the program can't be read, which a test rules out.
pub fn engine(max_flows: usize) -> Engine<FixedKey> {
    // Read once: a fuzz target makes an engine for each input.
    static PARTS: LazyLock<(Settings, Box<Model>)> = LazyLock::new(|| {
        let model = Model::embedded().expect("the model is part of the program");
        (as_in_a_new_house(&default_config()), model)
    });
    let (settings, model) = &*PARTS;
    let mut engine = Engine::new(settings.clone(), model.clone(), max_flows, FixedKey::default());
    engine.replace_intel(Some(builtin::pools()));
    engine
}

/// A keyed hash whose key is not drawn.
pub type FixedKey = BuildHasherDefault<DefaultHasher>;

/// The settings of `config`, with the threshold of a new house where it would follow the house: a capture of a whole
/// campus is no day of one.
fn as_in_a_new_house(config: &Config) -> Settings {
    Settings { suspects_per_day: crate::hmm::NEW_HOUSE, ..Settings::from(config) }
}
