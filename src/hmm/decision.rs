//! When the evidence is enough.
//!
//! A sequential test (Wald, "Sequential analysis", 1947) in shape: the ratio is compared with an upper
//! and a lower threshold at checkpoints. Wald's own thresholds, which follow from the error rates
//! alone, hold for independent increments and a background that is known; neither is so here.
//! The thresholds are therefore measured: on sessions of applications that the training did not
//! see, each sensitivity's upper threshold is where its share of benign long flows still passes
//! ([`Sensitivity::false_positives`]). It may rise with the number of packets, since every checkpoint
//! is another chance to err.

use crate::limits::{HMM_CAP_PACKETS, HMM_CHECK_PACKETS, HMM_MIN_AGE, HMM_MIN_PACKETS, HMM_SURE_PACKETS};

/// What stage one thinks of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// More packets are needed.
    Undecided,
    /// Probably mining: stage two has to prove it.
    Suspect,
    /// Certainly not mining.
    Benign,
    /// Undecided for so long that it is let go; look again later, with a fresh state.
    LetGo,
}

/// How much suspicion is wanted; what it costs is probes, for only proof blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Sensitivity {
    /// Few suspects: 1 in 1,000 benign long flows.
    Cautious = 0,
    /// 1 in 100.
    #[default]
    Balanced = 1,
    /// Whatever the probes can bear: 1 in 20.
    Eager = 2,
}

impl Sensitivity {
    /// All, the most reluctant first.
    pub const ALL: [Sensitivity; 3] = [Sensitivity::Cautious, Sensitivity::Balanced, Sensitivity::Eager];

    /// Benign long flows in 10,000 that become suspects, by the choice of the thresholds.
    pub fn false_positives(self) -> u32 {
        match self {
            Sensitivity::Cautious => 10,
            Sensitivity::Balanced => 100,
            Sensitivity::Eager => 500,
        }
    }

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Sensitivity::Cautious => "cautious",
            Sensitivity::Balanced => "balanced",
            Sensitivity::Eager => "eager",
        }
    }
}

/// Thresholds of the ratio, in [`super::RATIO_ONE`]ths of a bit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// From here on a flow is suspect, by sensitivity and [`band`].
    pub suspect: [[i16; BANDS]; 3],
    /// Down from here it is benign.
    pub benign: i16,
}

impl Thresholds {
    /// Judges a flow with this ratio, after so many payload packets and milliseconds.
    pub fn judge(&self, sensitivity: Sensitivity, ratio: i16, packets: u16, age_ms: u32) -> Decision {
        if packets > HMM_CAP_PACKETS {
            return Decision::LetGo;
        }
        if is_checkpoint(packets, age_ms) {
            let [cautious, balanced, eager] = &self.suspect;
            let thresholds = match sensitivity {
                Sensitivity::Cautious => cautious,
                Sensitivity::Balanced => balanced,
                Sensitivity::Eager => eager,
            };
            if thresholds.get(band(packets)).is_some_and(|&threshold| ratio >= threshold) {
                return Decision::Suspect;
            }
        }
        if packets >= HMM_SURE_PACKETS && ratio <= self.benign {
            return Decision::Benign;
        }
        Decision::Undecided
    }
}

/// Whether a flow may become suspect at its packet number `packets`: short sessions are not mining,
/// and every fourth packet is often enough.
pub fn is_checkpoint(packets: u16, age_ms: u32) -> bool {
    (HMM_MIN_PACKETS..=HMM_CAP_PACKETS).contains(&packets)
        && packets.is_multiple_of(HMM_CHECK_PACKETS)
        && u128::from(age_ms) >= HMM_MIN_AGE.as_millis()
}

/// The threshold's index at a checkpoint: half octaves from 12 packets on.
pub fn band(packets: u16) -> usize {
    let packets = packets.max(HMM_MIN_PACKETS);
    let octave = packets.ilog2();
    ((octave - 3) * 2 + u32::from(packets >> (octave - 1) & 1)).saturating_sub(1) as usize
}

/// Half octaves from 12 packets to the cap.
pub const BANDS: usize = 10;

const _: () = assert!(HMM_MIN_PACKETS == 12 && HMM_CAP_PACKETS < 384);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_half_octaves_up_to_the_cap() {
        assert_eq!([12, 15, 16, 23, 24, 32, 48, 64, 192].map(band), [0, 0, 1, 1, 2, 3, 4, 5, 8]);
        assert_eq!(band(HMM_CAP_PACKETS), BANDS - 1);
    }

    #[test]
    fn a_flow_is_suspect_at_checkpoints_only() {
        let thresholds = Thresholds { suspect: [[320; BANDS], [160; BANDS], [0; BANDS]], benign: -640 };
        let judge = |sensitivity, ratio, packets, age| thresholds.judge(sensitivity, ratio, packets, age);
        use Decision::{Benign, LetGo, Suspect, Undecided};
        use Sensitivity::{Balanced, Cautious, Eager};
        assert_eq!(judge(Balanced, 200, 16, 30_000), Suspect);
        assert_eq!(judge(Cautious, 200, 16, 30_000), Undecided);
        assert_eq!(judge(Eager, 0, 16, 30_000), Suspect);
        assert_eq!(judge(Balanced, 200, 16, 29_999), Undecided, "too young");
        assert_eq!(judge(Balanced, 200, 17, 30_000), Undecided, "between checkpoints");
        assert_eq!(judge(Balanced, 200, 8, 30_000), Undecided, "too short");
        assert_eq!(judge(Balanced, -640, 8, 0), Benign);
        assert_eq!(judge(Balanced, -640, 7, 0), Undecided);
        assert_eq!(judge(Eager, 999, HMM_CAP_PACKETS + 1, 90_000), LetGo);
    }
}
