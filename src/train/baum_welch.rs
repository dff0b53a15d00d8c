//! bw
use crate::hmm::alphabet::{CONTEXTS, SIZES};
use crate::hmm::observation::Symbol;
use super::rng::Rng;

pub const S: usize = 7;
pub type Row = [f64; S];

#[derive(Clone, Debug)]
pub struct Hmm {
    pub start: Row,
    pub step: [Row; S],
    /// [column][state]
    pub size: Vec<Row>,
    pub context: Vec<Row>,
}

#[derive(Clone, Debug)]
pub struct Counts {
    pub start: Row,
    pub step: [Row; S],
    pub size: Vec<Row>,
    pub context: Vec<Row>,
    pub loglik: f64,
    pub symbols: f64,
}

impl Counts {
    pub fn zero() -> Self {
        Counts { start: [0.; S], step: [[0.; S]; S], size: vec![[0.; S]; SIZES], context: vec![[0.; S]; CONTEXTS], loglik: 0., symbols: 0. }
    }
    pub fn add(&mut self, o: &Counts) {
        let add = |a: &mut Row, b: &Row| for (x, y) in a.iter_mut().zip(b) { *x += y };
        add(&mut self.start, &o.start);
        for (a, b) in self.step.iter_mut().zip(&o.step) { add(a, b) }
        for (a, b) in self.size.iter_mut().zip(&o.size) { add(a, b) }
        for (a, b) in self.context.iter_mut().zip(&o.context) { add(a, b) }
        self.loglik += o.loglik;
        self.symbols += o.symbols;
    }
}

impl Hmm {
    pub fn random(rng: &mut Rng, data: &[(&[Symbol], f64)]) -> Hmm {
        let mut size = vec![[0.5f64; S]; SIZES];
        let mut context = vec![[0.5f64; S]; CONTEXTS];
        for (seq, w) in data {
            for s in *seq {
                size[s.size as usize].iter_mut().for_each(|x| *x += w);
                context[s.context as usize].iter_mut().for_each(|x| *x += w);
            }
        }
        for row in size.iter_mut().chain(context.iter_mut()) {
            for x in row.iter_mut() { *x *= rng.exponential(1.0) + 0.1; }
        }
        let mut start = [0.; S];
        start.iter_mut().for_each(|x| *x = 1.0 + rng.unit());
        let mut step = [[0.; S]; S];
        for (i, r) in step.iter_mut().enumerate() { for (j, x) in r.iter_mut().enumerate() { *x = rng.unit() + if i == j { 1.0 } else { 0.2 }; } }
        let mut h = Hmm { start, step, size, context };
        h.normalise();
        h
    }
    pub fn normalise(&mut self) {
        norm(&mut self.start);
        for r in &mut self.step { norm(r) }
        norm_cols(&mut self.size);
        norm_cols(&mut self.context);
    }

    fn emission(&self, s: Symbol) -> Row {
        let (a, b) = (&self.size[s.size as usize], &self.context[s.context as usize]);
        core::array::from_fn(|i| a[i] * b[i])
    }

    /// cumulative ln likelihood after each symbol
    pub fn cumulative(&self, seq: &[Symbol], out: &mut Vec<f64>) {
        out.clear();
        let mut f = self.start;
        let mut ll = 0.0;
        for (t, &s) in seq.iter().enumerate() {
            let p = if t == 0 { f } else { self.predict(&f) };
            let e = self.emission(s);
            let mut n: Row = core::array::from_fn(|j| p[j] * e[j]);
            let c: f64 = n.iter().sum();
            n.iter_mut().for_each(|x| *x /= c);
            ll += c.ln();
            out.push(ll);
            f = n;
        }
    }
    fn predict(&self, f: &Row) -> Row {
        let mut p = [0.; S];
        for i in 0..S { for j in 0..S { p[j] += f[i] * self.step[i][j]; } }
        p
    }

    /// expected counts of one sequence, weighted, into `counts`; `keep` is the leak
    pub fn expect(&self, seq: &[Symbol], w: f64, keep: f64, counts: &mut Counts, scratch: &mut Vec<(Row, Row, f64)>) {
        if seq.is_empty() { return; }
        scratch.clear();
        let mut f = self.start;
        for (t, &s) in seq.iter().enumerate() {
            let p = if t == 0 { f } else { self.predict(&f) };
            let e = self.emission(s);
            let mut n: Row = core::array::from_fn(|j| p[j] * e[j]);
            let c: f64 = n.iter().sum();
            n.iter_mut().for_each(|x| *x /= c);
            counts.loglik += w * c.ln();
            f = n;
            scratch.push((f, e, c));
        }
        counts.symbols += w * seq.len() as f64;
        let mut g = [0.0; S];
        let mut wt = w;
        for t in (0..seq.len()).rev() {
            let (f, e, c) = scratch[t];
            let mean: f64 = (0..S).map(|i| g[i] * f[i]).sum();
            let b: Row = core::array::from_fn(|i| g[i] - mean + wt);
            let gamma: Row = core::array::from_fn(|i| f[i] * b[i]);
            let (a, bb) = (&mut counts.size[seq[t].size as usize], &mut counts.context[seq[t].context as usize]);
            for i in 0..S { a[i] += gamma[i]; bb[i] += gamma[i]; }
            if t == 0 {
                for i in 0..S { counts.start[i] += gamma[i]; }
                break;
            }
            let h: Row = core::array::from_fn(|j| e[j] * b[j] / c);
            let prev = scratch[t - 1].0;
            for i in 0..S {
                let mut sum = 0.0;
                for j in 0..S {
                    let x = self.step[i][j] * h[j];
                    counts.step[i][j] += prev[i] * x;
                    sum += x;
                }
                g[i] = sum;
            }
            wt *= keep;
        }
    }

    pub fn reestimate(counts: &Counts, smooth: f64, floor: f64) -> Hmm {
        let mut h = Hmm { start: counts.start, step: counts.step, size: counts.size.clone(), context: counts.context.clone() };
        let add = |r: &mut Row, x: f64| r.iter_mut().for_each(|v| *v += x);
        add(&mut h.start, smooth);
        for r in &mut h.step { add(r, smooth) }
        for r in &mut h.size { add(r, smooth) }
        for r in &mut h.context { add(r, smooth) }
        h.normalise();
        h.floor(floor);
        h
    }
    pub fn floor(&mut self, floor: f64) {
        for r in self.size.iter_mut().chain(self.context.iter_mut()).chain(self.step.iter_mut()).chain(std::iter::once(&mut self.start)) {
            r.iter_mut().for_each(|v| *v = v.max(floor));
        }
        self.normalise();
    }
}

fn norm(r: &mut Row) { let s: f64 = r.iter().sum(); r.iter_mut().for_each(|x| *x /= s); }
fn norm_cols(m: &mut [Row]) {
    let mut sums = [0.0; S];
    for r in m.iter() { for i in 0..S { sums[i] += r[i]; } }
    for r in m.iter_mut() { for i in 0..S { r[i] /= sums[i]; } }
}

pub const CHUNKS: usize = 48;

/// expected counts over all, in parallel, the same whatever the number of threads
pub fn expect_all(h: &Hmm, data: &[(&[Symbol], f64)], threads: usize) -> Counts {
    let size = data.len().div_ceil(CHUNKS).max(1);
    let chunks: Vec<&[(&[Symbol], f64)]> = data.chunks(size).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results: Vec<std::sync::Mutex<Option<Counts>>> = chunks.iter().map(|_| std::sync::Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut scratch = Vec::new();
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if at >= chunks.len() { break; }
                    let mut c = Counts::zero();
                    for (s, w) in chunks[at] { h.expect(s, *w, 1.0, &mut c, &mut scratch); }
                    *results[at].lock().unwrap() = Some(c);
                }
            });
        }
    });
    let mut total = Counts::zero();
    for r in results { total.add(&r.into_inner().unwrap().unwrap()); }
    total
}

pub fn train(data: &[(&[Symbol], f64)], seed: u64, restarts: u32, iterations: usize, threads: usize) -> Hmm {
    let mut best: Option<(f64, Hmm)> = None;
    for r in 0..restarts {
        let mut rng = Rng::keyed(seed, r as u64);
        let mut h = Hmm::random(&mut rng, data);
        let mut last = f64::NEG_INFINITY;
        for _ in 0..iterations {
            let c = expect_all(&h, data, threads);
            let ll = c.loglik / c.symbols;
            h = Hmm::reestimate(&c, 0.5, 1.0 / 8192.0);
            if ll - last < 1e-4 { last = ll; break; }
            last = ll;
        }
        if best.as_ref().is_none_or(|b| last > b.0) { best = Some((last, h)); }
    }
    best.unwrap().1
}
