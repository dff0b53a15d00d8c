//! Work asked of a Kaspa node, or of one of its many copies, over gRPC (`KaspadMessage` in kaspad's
//! `messages.proto`).
//!
//! Wallets, explorers and other nodes speak with it by the same door, but only who mines asks for a block
//! template: the request names the address to be paid, which is proof. Shares are whole blocks.

use super::Dialect;
use super::message::{Sign, Step, Weight};
use super::shape::is_wallet;
use crate::parse::grpc::members;

pub(super) fn read(message: &[u8]) -> Option<Sign<'_>> {
    let (request, body) = members(message).next()?;
    let (number, value) = members(body).next()?;
    let dialect = Dialect::KaspaNode;
    match (request, number, value) {
        (GET_BLOCK_TEMPLATE, 1, address) if is_address(address) => {
            let sign = Sign::miner(dialect, Step::Job, Weight::Unmistakable, "getBlockTemplate");
            Some(sign.user(address))
        }
        (SUBMIT_BLOCK, 2, block) if is_block(block) => {
            Some(Sign::miner(dialect, Step::Share, Weight::Strong, "submitBlock"))
        }
        (BLOCK_TEMPLATE, 3, block) if is_block(block) => {
            Some(Sign::pool(dialect, Step::Job, Weight::Strong, "a block template"))
        }
        _ => None,
    }
}

/// Whether it is a message between a node and its user, of whatever kind.
pub(in crate::dpi) fn opens(message: &[u8]) -> bool {
    members(message).next().is_some_and(|(number, _)| OF_USERS.contains(&number))
}

/// CashAddr, with the prefix of the coin: `kaspa:qz...`.
fn is_address(text: &[u8]) -> bool {
    text.contains(&b':') && is_wallet(text)
}

/// `RpcBlock`: its first member is the header, whose first one is a number, the version.
fn is_block(block: &[u8]) -> bool {
    members(block).next().is_some_and(|(number, header)| number == 1 && header.first() == Some(&VERSION))
}

/// What is not between nodes.
const OF_USERS: core::ops::Range<u64> = 1001..1200;
const SUBMIT_BLOCK: u64 = 1003;
const GET_BLOCK_TEMPLATE: u64 = 1005;
const BLOCK_TEMPLATE: u64 = 1006;
/// Member 1, a variable-length number.
const VERSION: u8 = 0x08;
