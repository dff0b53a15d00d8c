//! scratch
use super::baum_welch::*;
use super::rng::Rng;
use super::sequence::*;
use super::source;
use crate::hmm::observation::*;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

pub fn extract(mining: &[&str], benign: &[&str], out: &str, cap: usize) {
    let mut all = Vec::new();
    for (paths, label) in [(mining, Label::Mining), (benign, Label::Benign)] {
        for p in paths {
            all.extend(source::read(Path::new(p), label).unwrap());
        }
    }
    let flows = all.len();
    all.retain(|s| s.packets.len() >= 8);
    for s in &mut all { s.packets.truncate(cap); }
    let long = all.iter().filter(|s| s.is_long()).count();
    let bytes = encode(&all);
    println!("{out}: {flows} flows, {} kept, {long} long, {} bytes, mining {}", all.len(), bytes.len(), all.iter().filter(|s| s.label == Label::Mining).count());
    std::fs::write(out, bytes).unwrap();
}

pub struct Item {
    pub q: Sequence,
    pub obs: Vec<Symbol>,
    /// packets seen when obs i was made, and age
    pub at: Vec<(usize, u64)>,
    pub w: f64,
}
pub fn items(seqs: Vec<Sequence>, v: u32) -> Vec<Item> {
    let mut per: HashMap<(Label, String, u32), usize> = HashMap::new();
    for s in &seqs { *per.entry((s.label, s.kind.clone(), s.session)).or_default() += 1; }
    seqs.into_iter().map(|q| {
        let mut t = Trail::default();
        let (mut obs, mut at, mut age) = (vec![], vec![], 0);
        for (i, p) in q.packets.iter().enumerate() {
            age += p.gap_ms as u64;
            if let Some(s) = t.observe(p.direction, p.size, p.gap_ms, v) { obs.push(s); at.push((i + 1, age)); }
        }
        obs.truncate(256); at.truncate(256);
        let w = 1.0 / per[&(q.label, q.kind.clone(), q.session)] as f64;
        Item { q, obs, at, w }
    }).collect()
}

pub const CHECKS: [usize; 14] = [12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256];

/// (obs index, packets) of checkpoints
pub fn checks(it: &Item) -> Vec<(usize, usize)> {
    let mut out = vec![];
    let mut k = 0;
    for (i, &(n, age)) in it.at.iter().enumerate() {
        if k < CHECKS.len() && n >= CHECKS[k] && age >= LONG_MILLIS {
            out.push((i, n));
            while k < CHECKS.len() && n >= CHECKS[k] { k += 1; }
        }
    }
    out
}

/// augmentation: pad to multiple / random, jitter
pub fn disturb(q: &Sequence, rng: &mut Rng) -> Sequence {
    let mut q = q.clone();
    let mode = rng.range(0, 3);
    let block = [16u32, 32, 64, 128][rng.range(0, 3) as usize];
    let max = [32u32, 64, 128, 256][rng.range(0, 3) as usize];
    let jit = [0.0, 0.5, 2.0, 5.0][rng.range(0, 3) as usize];
    for p in &mut q.packets {
        match mode {
            0 => p.size = p.size.div_ceil(block) * block,
            1 => p.size += rng.range(0, max),
            2 => {}
            _ => p.size += block,
        }
        if jit > 0.0 { p.gap_ms = ((p.gap_ms as f64) * rng.uniform(0.7, 1.3) + rng.exponential(jit * 300.0)) as u32; }
    }
    q
}

pub struct Scored { pub label: Label, pub key: (String, String, String, String), pub best: f64, pub lls: Vec<(f64, usize, usize)>, pub w: f64 }

pub fn score(m: &Hmm, b: &Hmm, it: &Item, tilt: f64) -> Scored {
    let (mut a, mut c) = (vec![], vec![]);
    m.cumulative(&it.obs, &mut a);
    b.cumulative(&it.obs, &mut c);
    let l2 = std::f64::consts::LN_2;
    super::refine::leak(&mut a, &c, envf("KEEP", 1.0));
    let lls: Vec<_> = checks(it).into_iter().map(|(i, n)| (a[i] / l2, i, n)).collect();
    let best = lls.iter().map(|x| x.0 - tilt * x.2 as f64).fold(f64::NEG_INFINITY, f64::max);
    Scored { label: it.q.label, key: (it.q.application.clone(), it.q.dialect.clone(), it.q.transport.clone(), it.q.kind.clone()), best, lls, w: it.w }
}

pub fn roc(s: &[Scored]) -> String {
    let mut b: Vec<f64> = s.iter().filter(|x| x.label == Label::Benign).map(|x| x.best).collect();
    let m: Vec<f64> = s.iter().filter(|x| x.label == Label::Mining).map(|x| x.best).collect();
    b.sort_by(|a, b| b.total_cmp(a));
    let mut out = format!("n={}/{} ", m.len(), b.len());
    for fp in [0.05, 0.01, 0.005, 0.001, 0.0] {
        let k = (fp * b.len() as f64) as usize;
        let th = b.get(k).copied().unwrap_or(f64::NEG_INFINITY);
        let r = m.iter().filter(|x| **x > th).count() as f64 / m.len() as f64;
        out += &format!("{:.3}@{:.2}% ", r, fp * 100.0);
    }
    out
}

pub struct Opt { pub v: u32, pub seed: u64, pub refine: bool }

pub fn envf(n: &str, d: f64) -> f64 { std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d) }
pub fn fit(train: &[&Item], extra: &[Item], o: &Opt) -> (Hmm, Hmm) {
    let get = |label| -> Vec<(&[Symbol], f64)> {
        train.iter().copied().map(|i| (i, 1.0)).chain(extra.iter().map(|i| (i, 0.4)))
            .filter(|(i, _)| i.q.label == label && !i.obs.is_empty())
            .map(|(i, w)| (i.obs.as_slice(), i.w.max(0.02) * w)).collect()
    };
    let m = super::baum_welch::train(&get(Label::Mining), o.seed, 3, 60, 2);
    let b = super::baum_welch::train(&get(Label::Benign), o.seed + 77, 3, 60, 2);
    let (mut m, mut b) = (m, b);
    if o.refine {
        let all: Vec<(&Item, f64)> = train.iter().copied().map(|i| (i, 1.0)).chain(extra.iter().map(|i| (i, envf("AUGW", 0.4)))).filter(|(i, _)| i.q.is_long()).collect();
        let total = |l| all.iter().filter(|(i, _)| i.q.label == l).map(|(i, w)| i.w.max(0.02) * w).sum::<f64>();
        let (tm, tb) = (total(Label::Mining), total(Label::Benign));
        let ch: Vec<Vec<usize>> = all.iter().map(|(i, _)| checks(i).into_iter().map(|c| c.0 + 1).collect()).collect();
        let bw = envf("BW", 1.0);
        let n = all.len() as f64;
        let cases: Vec<_> = all.iter().zip(&ch).map(|((i, w), c)| super::refine::Case { symbols: &i.obs, checks: c, mining: i.q.label == Label::Mining,
            weight: i.w.max(0.02) * w * n / if i.q.label == Label::Mining { tm } else { tb / bw } }).collect();
        let opt = super::refine::Options { beta: envf("BETA", 0.2), keep: envf("KEEP", 1.0), rate: envf("RATE", 0.05), epochs: envf("EP", 10.0) as usize, batch: 256, decay: envf("DECAY", 0.0), threads: 2, seed: 3, verbose: variant("VERB") == 1 };
        super::refine::refine(&mut m, &mut b, &cases, &opt);
    }
    (m, b)
}

pub fn by_app(all: &[Item], o: &Opt, folds: usize) -> Vec<Scored> {
    let mut apps: BTreeMap<(Label, String), usize> = BTreeMap::new();
    for i in all { *apps.entry((i.q.label, i.q.application.clone())).or_default() += 1; }
    // balance: biggest first to the emptiest fold
    let mut order: Vec<_> = apps.into_iter().collect();
    order.sort_by_key(|x| std::cmp::Reverse(x.1));
    let mut load = vec![[0usize; 2]; folds];
    let mut fold = HashMap::new();
    for ((l, a), n) in order {
        let k = (0..folds).min_by_key(|k| load[*k][l as usize]).unwrap();
        load[k][l as usize] += n;
        fold.insert((l, a), k);
    }
    let mut out = vec![];
    for k in 0..folds {
        let tr: Vec<&Item> = all.iter().filter(|i| fold[&(i.q.label, i.q.application.clone())] != k).collect();
        let mut rng = Rng::new(o.seed ^ 5);
        let (nm, nb) = (variant("NM"), variant("NB"));
        let mut sc = super::generate::mining(1, nm, 320); sc.extend(super::generate::benign(1, nb, 320));
        let mut sc = items(sc, o.v);
        let ws = envf("WS", 0.3);
        for i in &mut sc { i.w *= ws; }
        let extra = items(tr.iter().copied().chain(&sc).map(|i| disturb(&i.q, &mut rng)).collect(), o.v);
        let tr: Vec<&Item> = tr.into_iter().chain(&sc).collect();
        let (m, b) = fit(&tr, &extra, o);
        for i in all.iter().filter(|i| fold[&(i.q.label, i.q.application.clone())] == k && i.q.is_long()) {
            out.push(score(&m, &b, i, 0.0));
        }
    }
    out
}

pub fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args[1].as_str() {
        "extract" => {
            let m = format!("{}/traffic/train/manifest.csv", args[2]);
            extract(&[&m], &[&m], &format!("{}/lab.seq", args[3]), 320);
            let t = format!("{}/traffic/third-party-benign", args[2]);
            extract(&[], &[&t], &format!("{}/third.seq", args[3]), 320);
        }
        "stat" => {
            for q in super::generate::mining(1, 60, 320).iter().chain(&super::generate::benign(1, 78, 320)) {
                println!("{:?} {} {} n={} dur={:.0} long={}", q.label, q.dialect, q.transport, q.packets.len(), q.duration_ms() as f64 / 1e3, q.is_long());
                if std::env::var("P").is_ok() { for p in q.packets.iter().take(30) { print!("{}{}+{} ", if p.direction as usize == 0 { ">" } else { "<" }, p.size, p.gap_ms); } println!(); }
            }
        }
        "ext" => {
            // train on scripted only (or scripted and lab mining etc), test on lab + third
            let v = variant("V");
            let nm = variant("NM").max(1); let nb = variant("NB").max(1);
            let lab = items(decode(&std::fs::read("/tmp/hmmx/lab.seq").unwrap()).unwrap(), v);
            let third = items(decode(&std::fs::read("/tmp/hmmx/third.seq").unwrap()).unwrap(), v);
            let mut tr = super::generate::mining(1, nm, 320); tr.extend(super::generate::benign(1, nb, 320));
            let tr = items(tr, v);
            let trr: Vec<&Item> = tr.iter().collect();
            let mut rng = Rng::new(5);
            let extra = items(trr.iter().map(|i| disturb(&i.q, &mut rng)).collect(), v);
            let (m, b) = fit(&trr, &extra, &Opt { v, seed: variant("SEED") as u64, refine: variant("REFINE") == 1 });
            let mut te = super::generate::mining(2, nm, 320); te.extend(super::generate::benign(2, nb, 320));
            let te = items(te, v);
            for tilt in if variant("REFINE") == 1 { vec![0.0, 0.3] } else { vec![1.0, 1.5, 2.0] } {
                let f = |x: &[Item]| -> Vec<Scored> { x.iter().filter(|i| i.q.is_long() && i.q.dialect != "daemon-gbt").map(|i| score(&m, &b, i, tilt)).collect() };
                println!("tilt {tilt} lab    {}", roc(&f(&lab)));
                println!("tilt {tilt} script {}", roc(&f(&te)));
                if variant("TOP") == 1 { for (n, mut x) in [("lab", f(&lab)), ("script", f(&te)), ("third", f(&third))] {
                    x.sort_by(|a, b| b.best.total_cmp(&a.best));
                    let benign: Vec<f64> = x.iter().filter(|y| y.label == Label::Benign).map(|y| y.best).collect();
                    let th = benign[benign.len() / 100];
                    let mut g: BTreeMap<(Label, String, String, String), (usize, usize)> = BTreeMap::new();
                    for y in &x { let c = g.entry((y.label, y.key.0.clone(), y.key.1.clone(), if n == "lab" && y.label == Label::Mining { y.key.2.clone() } else { String::new() })).or_default(); c.0 += 1; c.1 += (y.best > th) as usize; }
                    for (k, v) in g { if (k.0 == Label::Mining && n != "third") || v.1 > 0 { println!("  {n} {:?} {}/{}", k, v.1, v.0); } }
                    if n == "lab" { for y in x.iter().filter(|y| y.label == Label::Mining && y.best < th) { print!("{}/{}:{:.0}({}) ", y.key.1, y.key.2, y.best, y.lls.last().map_or(0, |l| l.2)); } println!(); }
                } }
                let mut both = f(&lab); both.retain(|x| x.label == Label::Mining); both.extend(f(&third));
                println!("tilt {tilt} third  {}", roc(&both));
            }
        }
        "cv" => {
            let v = variant("V");
            let all: Vec<Item> = items(decode(&std::fs::read("/tmp/hmmx/lab.seq").unwrap()).unwrap(), v)
                .into_iter().filter(|i| i.q.dialect != "daemon-gbt").collect();
            let s = by_app(&all, &Opt { v, seed: variant("SEED") as u64, refine: variant("REFINE") == 1 }, 5);
            for tilt in [0.0, 0.2, 0.4, 0.7, 1.0] {
                let t: Vec<Scored> = s.iter().map(|x| Scored { best: x.lls.iter().map(|y| y.0 - tilt * y.2 as f64).fold(f64::NEG_INFINITY, f64::max), label: x.label, key: x.key.clone(), lls: vec![], w: x.w }).collect();
                println!("tilt {tilt}: {}", roc(&t));
            }
        }
        _ => {}
    }
}
