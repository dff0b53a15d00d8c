use super::*;

const TEST: Test = Test::EXAMPLE;
const BUDGET: u32 = 50;

fn hour(hour: u64) -> Instant {
    Instant::from_micros(hour * 3_600_000_000)
}

/// A server's number as a keyed hash would have it.
fn hash(server: u64) -> u64 {
    (server + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Days of a house in which `servers` servers reach `bits` a day, others each day; suspects of each day.
fn live(house: &mut House, days: core::ops::Range<u64>, servers: u64, bits: i32) -> Vec<usize> {
    days.map(|day| {
        let weigh = |server: &u64| {
            let now = hour(day * 24 + server * 23 / servers);
            house.weigh(1, hash(day * 1_000 + server), bits * RATIO_ONE, &TEST, BUDGET, now)
        };
        (0..servers).filter(weigh).count()
    })
    .collect()
}

#[test]
fn a_new_house_begins_at_the_start() {
    let house = House::default();
    assert_eq!(house.threshold(&TEST, BUDGET, hour(0)), i32::from(TEST.start));
    assert!(!House::default().weigh(1, 1, 29 * RATIO_ONE, &TEST, BUDGET, hour(0)));
    assert!(House::default().weigh(1, 1, 30 * RATIO_ONE, &TEST, BUDGET, hour(0)));
}

#[test]
fn a_quiet_house_comes_down_to_the_floor_and_a_noisy_one_goes_up() {
    let mut quiet = House::default();
    live(&mut quiet, 0..40, 3, 12);
    assert!(quiet.threshold(&TEST, BUDGET, hour(40 * 24)) < i32::from(TEST.start));
    assert!(quiet.threshold(&TEST, BUDGET, hour(40 * 24)) >= i32::from(TEST.floor));
    let mut noisy = House::default();
    let suspects = live(&mut noisy, 0..10, 400, 45);
    assert!(noisy.threshold(&TEST, BUDGET, hour(10 * 24)) > 45 * RATIO_ONE);
    assert_eq!(suspects.last(), Some(&0));
}

#[test]
fn no_day_has_more_suspects_than_the_budget_and_look_alikes_leave_room_for_a_miner() {
    let mut house = House::default();
    let suspects = live(&mut house, 0..1, 300, 35);
    assert!(suspects[0] <= 40, "{suspects:?}");
    assert!(house.weigh(1, hash(9_999), 300 * RATIO_ONE, &TEST, BUDGET, hour(23)), "the miner");
    let many =
        (0..200).filter(|n| house.weigh(1, hash(20_000 + n), 300 * RATIO_ONE, &TEST, BUDGET, hour(23)));
    assert!(many.count() + suspects[0] < BUDGET as usize);
}

#[test]
fn servers_that_prove_to_be_pools_take_nothing_from_the_day() {
    let mut house = House::default();
    let miners = |house: &mut House, gives_back: bool| {
        (0..200u64)
            .filter(|miner| {
                let (client, server) = (*miner as u32 % 3, hash(*miner));
                let is_suspect = house.weigh(client, server, 35 * RATIO_ONE, &TEST, BUDGET, hour(1));
                if is_suspect && gives_back {
                    house.give_back(client, server);
                }
                is_suspect
            })
            .count()
    };
    assert_eq!(miners(&mut house, true), 200);
    assert_eq!((house.suspects, house.today.iter().sum::<u16>()), (0, 0));
    assert_eq!(house.threshold(&TEST, BUDGET, hour(1)), House::default().threshold(&TEST, BUDGET, hour(1)));
    house.give_back(1, hash(1));
    house.give_back(9, hash(777));
    assert_eq!(house.suspects, 0, "nothing is given back twice");
    assert!(miners(&mut house, false) <= BUDGET as usize);
}

#[test]
fn a_server_is_counted_once_a_day_however_often_it_is_weighed() {
    let mut house = House::default();
    let weighed =
        (0..1_000).filter(|n| house.weigh(1, hash(1), (30 + n % 40) * RATIO_ONE, &TEST, BUDGET, hour(1)));
    assert_eq!(weighed.count(), 1_000);
    assert_eq!((house.suspects, house.today.iter().sum::<u16>()), (1, 1));
}

#[test]
fn the_histogram_survives_a_restart_and_damage_does_not_pass_for_one() {
    let mut house = House::default();
    live(&mut house, 0..9, 60, 33);
    let line = house.to_line();
    let again = House::from_line(&line).expect("its own line");
    assert_eq!(again.to_line(), line);
    for bad in ["", "\n", "1 2 3\n", &line[..line.len() / 2], &line.replace(' ', " -")] {
        assert!(House::from_line(bad).is_none(), "{bad}");
    }
    assert!(House::from_line(&format!("{} 7", line.trim_end())).is_none());
}

/// One client has hundreds of servers that reach any level. The threshold for the others stays in reach, and they
/// have their suspects on the same day.
#[test]
fn one_client_takes_neither_threshold_nor_budget_from_another() {
    let mut house = House::default();
    let weigh = |house: &mut House, client: u32, server: u64, bits: i32, at: u64| {
        house.weigh(client, hash(server), bits * RATIO_ONE, &TEST, BUDGET, hour(at))
    };
    weigh(&mut house, 2, 7, 12, 0);
    for day in 0..10 {
        for server in 0..400 {
            weigh(&mut house, 1, 1_000 * (day + 1) + server, 200, 24 * day + server / 20);
        }
        for server in 0..3 {
            let miner = 500_000 + 10 * day + server;
            assert!(weigh(&mut house, 2, miner, 60, 24 * day + 22), "day {day}, server {server}");
        }
        assert!(house.suspects <= 2 * BUDGET);
    }
}
