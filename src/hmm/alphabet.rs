//! The alphabet of stage one: two columns a packet, by integer comparisons only.
//!
//! Chosen by experiment on held-back applications. What carries most: the role of a packet (a share's
//! reply is short, a job is long and unasked), that a miner's messages keep their lengths
//! (the change classes, two messages of the same role back), that its shares come at random while the
//! reports of devices are periodic, and gaps in seven steps from 8 ms to 33 s.

/// An observation, as two columns of the emission tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// Role and size: below [`SIZE_COLUMNS`].
    pub size: u8,
    /// Gap, turn, change of size, beat: below [`CONTEXT_COLUMNS`].
    pub context: u8,
}

/// Relation of a packet to the flow's earlier packets.
#[derive(Clone, Copy, Debug)]
pub struct PacketContext {
    /// Milliseconds since the packet before.
    pub gap_ms: u32,
    /// The packet before went the same way.
    pub same_direction: bool,
    /// Change of the size against earlier sizes in the same role.
    pub change: Change,
    /// The packet goes to the server, with the same gap before it as the packet before.
    pub periodic: bool,
}

/// Role of a packet, as far as direction and time tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PacketRole {
    /// Unprompted, to the server: a share, a report, a keepalive.
    ClientInitiated = 0,
    /// Directly after a packet of the server: an acknowledgement, the next request.
    ClientResponse = 1,
    /// Soon after a packet of the client, to the client.
    ServerResponse = 2,
    /// Unasked, to the client: a job, a notification, the second line of a reply.
    ServerPush = 3,
    /// The rest of a message to the server that began with full segments.
    ClientTail = 4,
    /// Further packet of a message to the client.
    ServerTail = 5,
}

/// Difference of a size to earlier sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Change {
    /// At most two bytes from the latest: a counter's digit.
    None = 0,
    /// At most 16 bytes.
    Slight = 1,
    /// At most a quarter.
    Moderate = 2,
    /// More.
    Large = 3,
    /// The size repeats the one before the latest.
    Back = 4,
    /// The size is within 16 bytes of the one before the latest.
    NearBack = 5,
}

impl Symbol {
    /// The symbol of a packet of `size` bytes.
    pub fn new(role: PacketRole, size: u32, context: &PacketContext) -> Self {
        Symbol { size: size_column(role, size), context: context.column() }
    }
}

impl PacketContext {
    fn column(&self) -> u8 {
        let beat = self.periodic as u8;
        let turn = self.same_direction as u8;
        ((beat * CHANGES + self.change as u8) * 2 + turn) * GAPS + gap_class(self.gap_ms)
    }
}

impl Change {
    /// Compares `size` with the `latest`, and with the one before it, of which the last eight bits are
    /// known.
    pub fn of(size: u32, latest: u32, older: u8) -> Self {
        let from_latest = size.abs_diff(latest);
        let from_older = (size as u8).wrapping_sub(older);
        let from_older = from_older.min(from_older.wrapping_neg());
        match (from_latest, from_older) {
            (0..=2, _) => Change::None,
            (_, 0..=2) => Change::Back,
            (3..=16, _) => Change::Slight,
            (_, 3..=16) => Change::NearBack,
            _ if from_latest <= size.max(latest) / 4 => Change::Moderate,
            _ => Change::Large,
        }
    }

    /// Compares a tail of `size` bytes with the latest, of which the last eight bits are known.
    pub fn of_tail(size: u32, latest: u8) -> Self {
        let difference = (size as u8).wrapping_sub(latest);
        match difference.min(difference.wrapping_neg()) {
            0..=2 => Change::None,
            3..=16 => Change::Slight,
            _ => Change::Large,
        }
    }
}

/// Role and size, in quarter octaves from 16 bytes to 2 KB.
fn size_column(role: PacketRole, size: u32) -> u8 {
    let class = if size < 16 {
        0
    } else {
        let octave = size.min(SIZE_CAP).ilog2();
        1 + (octave - 4) * 4 + (size.min(SIZE_CAP) >> (octave - 2) & 3)
    };
    class as u8 + SIZE_CLASSES * role as u8
}

fn gap_class(gap_ms: u32) -> u8 {
    GAP_EDGES.iter().filter(|&&edge| gap_ms >= edge).count() as u8
}

/// A time in units of 16 ms, in eighths of an octave: 0 below eight units.
pub fn interval_class(units: u16) -> u8 {
    if units < 8 {
        return 0;
    }
    let octave = units.ilog2();
    (octave * 8 + u32::from(units >> (octave - 3) & 7)) as u8
}

/// Two intervals are the same beat: in the same or a neighbouring eighth of an octave.
pub fn same_period(a: u8, b: u8) -> bool {
    a > 0 && b > 0 && a.abs_diff(b) <= 1
}

/// Larger sizes count as this.
pub const SIZE_CAP: u32 = 2_047;
const SIZE_CLASSES: u8 = 29;
/// Columns of the first factor.
pub const SIZE_COLUMNS: usize = ROLES * SIZE_CLASSES as usize;
const ROLES: usize = 6;

/// Milliseconds.
const GAP_EDGES: [u32; 7] = [8, 32, 128, 512, 2_048, 8_192, 32_768];
const GAPS: u8 = 8;
const CHANGES: u8 = 6;
/// Columns of the second factor.
pub const CONTEXT_COLUMNS: usize = 2 * CHANGES as usize * 2 * GAPS as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_columns_rise_with_role_and_size_and_stay_inside_the_table() {
        use PacketRole::{
            ClientInitiated, ClientResponse, ClientTail, ServerPush, ServerResponse, ServerTail,
        };
        let mut end = 0;
        for role in [ClientInitiated, ClientResponse, ServerResponse, ServerPush, ClientTail, ServerTail] {
            let columns: Vec<u8> = (0..3_000).map(|size| size_column(role, size)).collect();
            assert!(columns.is_sorted());
            assert_eq!(columns[0], end, "roles are apart");
            assert_eq!(columns[16] - columns[15], 1);
            assert_eq!(columns[2_047], columns[2_999]);
            end = columns[2_047] + 1;
        }
        assert_eq!(usize::from(end), SIZE_COLUMNS);
        assert_eq!(size_column(ClientInitiated, u32::MAX), SIZE_CLASSES - 1);
    }

    #[test]
    fn every_context_has_a_column_of_its_own() {
        use Change::{Back, Large, Moderate, NearBack, None, Slight};
        let mut seen = [false; CONTEXT_COLUMNS];
        for gap_ms in [0, 8, 32, 128, 512, 2_048, 8_192, 32_768] {
            for change in [None, Slight, Moderate, Large, Back, NearBack] {
                for (same_direction, periodic) in [(false, false), (false, true), (true, false), (true, true)]
                {
                    let context = PacketContext { gap_ms, same_direction, change, periodic };
                    let column = context.column() as usize;
                    assert!(!core::mem::replace(&mut seen[column], true), "{context:?}");
                }
            }
        }
        assert!(seen.iter().all(|s| *s));
    }

    #[test]
    fn a_share_after_a_keepalive_is_known_by_the_share_before_it() {
        assert_eq!(Change::of(244, 245, 112), Change::None);
        assert_eq!(Change::of(245, 112, 244), Change::Back);
        assert_eq!(Change::of(1_270, 112, 1_282u32 as u8), Change::NearBack);
        assert_eq!(Change::of(120, 112, 244), Change::Slight);
        assert_eq!(Change::of(400, 500, 0), Change::Moderate);
        assert_eq!(Change::of(100, 500, 0), Change::Large);
        assert_eq!(Change::of_tail(701, 702u32 as u8), Change::None);
        assert_eq!(Change::of_tail(257, 250), Change::Slight);
        assert_eq!(Change::of_tail(701, 0), Change::Large);
    }

    #[test]
    fn a_clock_keeps_its_beat_and_chance_does_not() {
        let class = |millis: u32| interval_class((millis / 16) as u16);
        assert!(same_period(class(10_000), class(10_200)));
        assert!(same_period(class(1_957), class(2_040)));
        assert!(!same_period(class(10_000), class(13_000)));
        assert!(!same_period(class(64), class(64)), "bursts have no beat");
    }
}
