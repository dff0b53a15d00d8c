//! refine
use super::baum_welch::*;
use super::rng::Rng;
use crate::hmm::observation::Symbol;

pub struct Case<'a> {
    pub symbols: &'a [Symbol],
    /// symbol counts at which the ratio is looked at
    pub checks: &'a [usize],
    pub mining: bool,
    pub weight: f64,
}

pub struct Options {
    pub beta: f64,
    pub keep: f64,
    pub rate: f64,
    pub epochs: usize,
    pub batch: usize,
    pub decay: f64,
    pub threads: usize,
    pub seed: u64,
    pub verbose: bool,
}

/// the ratio after each symbol, with the leak, in place of s1
pub fn leak(s1: &mut [f64], s2: &[f64], keep: f64) {
    let (mut last, mut sum) = (0.0, 0.0);
    for (a, b) in s1.iter_mut().zip(s2) {
        let now = *a - b;
        sum = sum * keep + now - last;
        last = now;
        *a = sum;
    }
}

struct Grad { m: Counts, b: Counts, loss: f64, weight: f64, push: f64 }

fn one(c: &Case, m: &Hmm, b: &Hmm, beta: f64, keep: f64, bias: f64, g: &mut Grad, s1: &mut Vec<f64>, s2: &mut Vec<f64>, scratch: &mut Vec<(Row, Row, f64)>) {
    if c.checks.is_empty() { return; }
    let last = *c.checks.last().unwrap();
    m.cumulative(&c.symbols[..last], s1);
    b.cumulative(&c.symbols[..last], s2);
    leak(s1, s2, keep);
    let z: Vec<f64> = c.checks.iter().map(|&n| beta * (s1[n - 1] - bias)).collect();
    let (at, top) = z.iter().enumerate().fold((0, f64::NEG_INFINITY), |a, (i, &x)| if x > a.1 { (i, x) } else { a });
    let y = if c.mining { 1.0 } else { -1.0 };
    let p = 1.0 / (1.0 + (y * top).exp()); // error
    g.loss += c.weight * (1.0 + (-y * top).exp()).ln();
    g.weight += c.weight;
    if p < 1e-4 { return; }
    let n = c.checks[at];
    let w = c.weight * p * y * beta;
    g.push += w;
    m.expect(&c.symbols[..n], w, keep, &mut g.m, scratch);
    b.expect(&c.symbols[..n], -w, keep, &mut g.b, scratch);
}

#[derive(Clone)]
struct Logits { v: Vec<f64>, }

fn flat(h: &Hmm) -> Vec<f64> {
    let mut v: Vec<f64> = h.start.to_vec();
    for r in h.step.iter().chain(&h.size).chain(&h.context) { v.extend(r) }
    v
}
fn flat_counts(c: &Counts) -> Vec<f64> {
    let mut v: Vec<f64> = c.start.to_vec();
    for r in c.step.iter().chain(&c.size).chain(&c.context) { v.extend(r) }
    v
}
fn unflat(v: &[f64], h: &mut Hmm) {
    let mut i = 0;
    let mut take = |r: &mut Row| { r.copy_from_slice(&v[i..i + S]); i += S; };
    take(&mut h.start);
    h.step.iter_mut().for_each(&mut take);
    h.size.iter_mut().for_each(&mut take);
    h.context.iter_mut().for_each(&mut take);
}
/// logit gradient from counts: C - (sum C) p
fn logit_grad(h: &Hmm, c: &Counts) -> Vec<f64> {
    let mut out = Vec::new();
    let row = |p: &Row, c: &Row, out: &mut Vec<f64>| { let s: f64 = c.iter().sum(); for i in 0..S { out.push(c[i] - s * p[i]); } };
    row(&h.start, &c.start, &mut out);
    for (p, c) in h.step.iter().zip(&c.step) { row(p, c, &mut out); }
    for (ps, cs) in [(&h.size, &c.size), (&h.context, &c.context)] {
        let mut sums = [0.0; S];
        for r in cs.iter() { for i in 0..S { sums[i] += r[i]; } }
        for (p, c) in ps.iter().zip(cs.iter()) { for i in 0..S { out.push(c[i] - sums[i] * p[i]); } }
    }
    out
}

pub fn refine(m: &mut Hmm, b: &mut Hmm, cases: &[Case], o: &Options) {
    let floor = 1.0 / 8192.0;
    let lp = |h: &Hmm| -> Vec<f64> { flat(h).iter().map(|x| x.ln()).collect() };
    let mut theta: Vec<f64> = lp(m); let nm = theta.len(); theta.extend(lp(b));
    let origin = theta.clone();
    let mut m1 = vec![0.0; theta.len() + 1]; let mut m2 = m1.clone();
    let mut bias = 0.0f64;
    let mut rng = Rng::new(o.seed);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    let steps_total = o.epochs * cases.len().div_ceil(o.batch);
    let mut t = 0;
    for epoch in 0..o.epochs {
        rng.shuffle(&mut order);
        let (mut el, mut ew) = (0.0, 0.0);
        for batch in order.chunks(o.batch) {
            t += 1;
            let next = std::sync::atomic::AtomicUsize::new(0);
            let parts: Vec<&[usize]> = batch.chunks(batch.len().div_ceil(16).max(1)).collect();
            let results: Vec<std::sync::Mutex<Option<Grad>>> = parts.iter().map(|_| std::sync::Mutex::new(None)).collect();
            std::thread::scope(|scope| { for _ in 0..o.threads { scope.spawn(|| {
                let (mut s1, mut s2, mut sc) = (vec![], vec![], vec![]);
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if at >= parts.len() { break; }
                    let mut g = Grad { m: Counts::zero(), b: Counts::zero(), loss: 0.0, weight: 0.0, push: 0.0 };
                    for &i in parts[at] { one(&cases[i], m, b, o.beta, o.keep, bias, &mut g, &mut s1, &mut s2, &mut sc); }
                    *results[at].lock().unwrap() = Some(g);
                }
            }); } });
            let mut g = Grad { m: Counts::zero(), b: Counts::zero(), loss: 0.0, weight: 0.0, push: 0.0 };
            for r in results { let x = r.into_inner().unwrap().unwrap(); g.m.add(&x.m); g.b.add(&x.b); g.loss += x.loss; g.weight += x.weight; g.push += x.push; }
            el += g.loss; ew += g.weight;
            let scale = 1.0 / g.weight.max(1e-9);
            let _ = flat_counts;
            let mut grad = logit_grad(m, &g.m); grad.extend(logit_grad(b, &g.b));
            // bias gradient: d/dbias = -sum(start counts of m) (each case contributes w once)
            grad.push(-g.push);
            let progress = t as f64 / steps_total as f64;
            let rate = o.rate * (1.0 - progress).max(0.02);
            for i in 0..grad.len() {
                let mut x = grad[i] * scale;
                if i < theta.len() { x -= o.decay * (theta[i] - origin[i]); }
                m1[i] = 0.9 * m1[i] + 0.1 * x;
                m2[i] = 0.99 * m2[i] + 0.01 * x * x;
                let step = rate * (m1[i] / (1.0 - 0.9f64.powi(t as i32))) / ((m2[i] / (1.0 - 0.99f64.powi(t as i32))).sqrt() + 1e-6);
                if i < theta.len() { theta[i] += step; } else { bias += step * 5.0; }
            }
            let back = |th: &[f64], h: &mut Hmm| { let v: Vec<f64> = th.iter().map(|x| x.exp()).collect(); unflat(&v, h); h.normalise(); h.floor(floor); };
            back(&theta[..nm], m);
            back(&theta[nm..], b);
            let lm = lp(m); let lb = lp(b);
            theta[..nm].copy_from_slice(&lm); theta[nm..].copy_from_slice(&lb);
        }
        if o.verbose { println!("epoch {epoch} loss {:.4} bias {bias:.2}", el / ew); }
    }
}
