'use strict';
'require baseclass';
'require dom';

/* Parts of the pages. Each takes plain values, which are shown as text, and answers a node. */

const SVG = 'http://www.w3.org/2000/svg';
const HOUR = 3600000;

/* An element of a drawing; its children are nodes or text. */
function draw(name, attributes, ...children) {
	const node = document.createElementNS(SVG, name);

	for (const key in attributes)
		node.setAttribute(key, attributes[key]);
	node.append(...children);
	return node;
}

function verdictTitle(verdict) {
	switch (verdict) {
	case 'blocked': return _('Blocked');
	case 'monitored': return _('Reported');
	case 'suspected': return _('Suspected');
	case 'allowed': return _('Allowed');
	case 'isolated': return _('Isolated');
	default: return verdict;
	}
}

/* '2026-11-22T06:10:12Z' in the reader's own zone and language; as it is if it isn't a time. */
function clock(time) {
	const date = new Date(time);

	return isNaN(date) ? String(time) : date.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

/* How long before `now` it was, in words: `time` is as above, or milliseconds since 1970. */
function ago(time, now) {
	const minutes = Math.floor((now - new Date(time)) / 60000);

	if (isNaN(minutes))
		return Number.isNaN(time) ? '–' : String(time);
	if (minutes < 1)
		return _('just now');
	if (minutes < 60)
		return N_(minutes, '%d minute ago', '%d minutes ago').format(minutes);
	if (minutes < 48 * 60) {
		const hours = Math.floor(minutes / 60);
		return N_(hours, '%d hour ago', '%d hours ago').format(hours);
	}
	return clock(time);
}

/* 12345678 as '12.3 M', and what is not known as a dash. */
function large(number) {
	if (!(number >= 0))
		return '–';
	if (number >= 1e9)
		return '%.1f G'.format(number / 1e9);
	if (number >= 1e6)
		return '%.1f M'.format(number / 1e6);
	return number >= 1e4 ? '%.1f k'.format(number / 1e3) : String(number);
}

/* What each node was drawn from. */
const drawn = new WeakMap();

/*
 * Draws the contents of `node` anew if what they depend on has changed: focus, selection and a click that is under
 * way survive a poll. `make` answers the children.
 */
function fill(node, dependencies, make) {
	const key = JSON.stringify(dependencies);

	if (drawn.get(node) !== key) {
		drawn.set(node, key);
		dom.content(node, make());
	}
}

return baseclass.extend({
	fill, clock, ago, large,
	verdict: verdictTitle,

	stylesheet() {
		return E('link', { 'rel': 'stylesheet', 'href': L.resource('minewall/minewall.css') });
	},

	badge(verdict) {
		const moods = { blocked: 'bad', monitored: 'warn', suspected: 'warn', allowed: 'good', isolated: 'bad' };

		return E('span', { 'class': 'label mw-verdict mw-label %s'.format(moods[verdict] ? 'mw-label-%s'.format(moods[verdict]) : '') }, [ verdictTitle(verdict) ]);
	},

	time(text, now) {
		return E('time', { 'title': clock(text) }, [ ago(text, now) ]);
	},

	/* A number with what it counts. */
	tile(title, value, explanation) {
		return E('div', { 'class': 'mw-tile', 'title': explanation }, [
			E('b', {}, [ value ]), E('span', {}, [ title ])
		]);
	},

	/* Detections of the last 24 hours as bars, an hour each: those blocked, and the others on top. */
	bars(events, now) {
		const hours = Array.from({ length: 24 }, () => ({ blocked: 0, other: 0 }));

		for (const event of events) {
			const index = 23 - Math.floor((now - Date.parse(event.time)) / HOUR);

			if (hours[index])
				hours[index][event.verdict === 'blocked' ? 'blocked' : 'other'] += 1;
		}

		const most = Math.max(4, ...hours.map((hour) => hour.blocked + hour.other));
		const total = (kind) => hours.reduce((sum, hour) => sum + hour[kind], 0);
		const height = (number) => 70 * number / most;
		const chart = draw('svg', { 'viewBox': '0 0 288 92', 'class': 'mw-chart', 'role': 'img' },
			draw('title', {}, _('Last 24 hours: blocked %d, other %d').format(total('blocked'), total('other'))),
			draw('line', { 'x1': 0, 'x2': 288, 'y1': 76, 'y2': 76, 'class': 'mw-axis' }));

		hours.forEach((hour, index) => {
			const bar = (number, below, kind) => draw('rect', {
				'x': index * 12 + 1.5, 'width': 9, 'y': 75.5 - height(number + below), 'height': height(number), 'class': kind
			});
			const start = new Date(now - (24 - index) * HOUR), end = new Date(now - (23 - index) * HOUR);

			chart.append(draw('g', {},
				draw('title', {}, '%s–%s: %d'.format(
					start.toLocaleTimeString([], { timeStyle: 'short' }),
					end.toLocaleTimeString([], { timeStyle: 'short' }), hour.blocked + hour.other)),
				bar(hour.blocked, 0, 'mw-blocked'), bar(hour.other, hour.blocked, 'mw-other')));
		});
		[ [ 0, 'start', _('24 h ago') ], [ 144, 'middle', _('12 h ago') ], [ 288, 'end', _('now') ] ].forEach(([ x, anchor, text ]) =>
			chart.append(draw('text', { 'x': x, 'y': 89, 'text-anchor': anchor }, text)));
		return chart;
	},

	/* Samples of a rate, the latest last, as a line over an area; `room` of them fill the width. `none` stands for no sample. */
	line(samples, room, title, none) {
		const most = Math.max(1, ...samples);
		const x = (index) => (288 * (index + room - samples.length) / (room - 1)).toFixed(1);
		const y = (value) => (75 - 66 * value / most).toFixed(1);
		const points = samples.map((value, index) => '%s,%s'.format(x(index), y(value)));
		const chart = draw('svg', { 'viewBox': '0 0 288 92', 'class': 'mw-chart', 'role': 'img' },
			draw('title', {}, title),
			draw('line', { 'x1': 0, 'x2': 288, 'y1': 76, 'y2': 76, 'class': 'mw-axis' }));

		if (points.length > 1)
			chart.append(
				draw('polygon', { 'points': [ '%s,75.5'.format(x(0)), ...points, '288,75.5' ].join(' '), 'class': 'mw-area' }),
				draw('polyline', { 'points': points.join(' '), 'class': 'mw-line' }));
		chart.append(
			draw('text', { 'x': 0, 'y': 89 }, samples.length ? _('%s per second now').format(large(Math.round(samples[samples.length - 1]))) : none),
			draw('text', { 'x': 288, 'y': 89, 'text-anchor': 'end' }, samples.length ? _('peak %s').format(large(Math.round(Math.max(...samples)))) : ''));
		return chart;
	}
});
