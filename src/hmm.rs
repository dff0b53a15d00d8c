//! Stage one for sessions that the DPI can't read: a hidden Markov model.
pub mod alphabet;
pub mod observation;

/// CRC-32 (IEEE 802.3, reflected), bit by bit: model and sequence files are small and read once.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
