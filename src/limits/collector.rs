//! Capacities and deadlines of the collector of events, and of what is known of other routers.

use core::time::Duration;

/// Events that wait for a collector that does not answer, about 600 bytes each.
pub const COLLECTOR_EVENTS: usize = 128;
/// Patience with a connection, a handshake and a write.
pub const COLLECTOR_PATIENCE: Duration = Duration::from_secs(10);
/// Pause after the first failure; each further one doubles it.
pub const COLLECTOR_FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
pub const COLLECTOR_LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A stream that has been silent for so long is asked whether its other end is there (TCP keepalive).
pub const COLLECTOR_KEEPALIVE: Duration = Duration::from_secs(60);
/// Data that is not acknowledged for so long ends the connection (RFC 5482).
pub const COLLECTOR_USER_TIMEOUT: Duration = Duration::from_secs(30);
/// When the daemon stops, events that wait have this long to go out.
pub const COLLECTOR_LAST_WAIT: Duration = Duration::from_secs(2);

/// Other routers whose latest message is remembered, about 100 bytes each.
pub const FLEET_ROUTERS: usize = 32;
/// Bytes of a router's name.
pub const FLEET_NAME_BYTES: usize = 32;
/// A router tells the others so often that it is there.
pub const FLEET_SIGN_OF_LIFE: Duration = Duration::from_secs(300);
