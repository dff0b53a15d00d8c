'use strict';
'require view';
'require dom';
'require poll';
'require ui';
'require minewall.api as api';
'require minewall.problems as problems';
'require minewall.widgets as widgets';

/* Events that are asked for (the most that the router gives), and shown at first. */
const EVENTS_ASKED = 500;
const EVENTS_SHOWN = 10;

/* Milliseconds between samples at the least: over less a rate is noise. */
const SAMPLE_TIME = 900;

/* Samples of the packet rate that the chart holds: ten minutes at the usual interval of five seconds. */
const SAMPLES = 120;

/* Until there are so many, the chart is wider than they are. */
const SAMPLES_AT_FIRST = 12;

/* With more hosts than this each is a line until it is clicked, and there is a filter. */
const HOSTS_OPEN = 5;

/* Minutes that the service can be suspended for with one click. */
const SUSPENSIONS = [ 10, 30, 60, 240 ];

/* Orders of the hosts: what is compared, the least first. */
const ORDERS = {
	latest: (host) => -Date.parse(host.last_time),
	name: (host) => api.nameOf(host).toLowerCase(),
	verdict: (host) => [ 'monitored', 'suspected', 'blocked', 'allowed' ].indexOf(api.verdictOf(host)),
	times: (host) => -host.detections
};

/* A shield, drawn for this page. */
const SHIELD = 'M22 2 L40 8 V21 C40 32 32 39 22 43 C12 39 4 32 4 21 V8 Z';

function shield() {
	const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');

	drawing.setAttribute('viewBox', '0 0 44 44');
	drawing.setAttribute('aria-hidden', 'true');
	path.setAttribute('d', SHIELD);
	drawing.append(path);
	return drawing;
}

const { list } = api;
const { fill } = widgets;

return view.extend({
	handleSave: null,
	handleSaveApply: null,
	handleReset: null,

	load() {
		return this.ask();
	},

	/* The router's answers: { status, hosts, events }, of which the latest is the first, or { error } with a text. */
	async ask() {
		try {
			const [ status, hosts ] = await Promise.all([ api.status(), api.hosts() ]);

			/* Events are many and change with the hosts only. */
			const latest = JSON.stringify([ status.running, hosts ]);

			if (latest !== this.latest)
				this.events = (await api.events(EVENTS_ASKED)).reverse();
			this.latest = latest;
			return { status, hosts, events: this.events };
		}
		catch (error) {
			return { error: error.message };
		}
	},

	render(data) {
		this.answer = E('div');
		this.about = E('small');
		this.problems = E('div', { 'class': 'mw-problems' });
		this.hosts = E('div', { 'class': 'mw-hosts' });
		this.tiles = E('div', { 'class': 'mw-tiles' });
		this.health = E('dl', { 'class': 'mw-health' });
		this.fleet = E('div', { 'class': 'mw-fleet' });
		this.checks = E('div', { 'class': 'mw-checks', 'role': 'status' });
		this.history = E('div');
		this.rate = E('div');
		this.table = E('tbody');
		this.controls = E('div', { 'class': 'mw-controls' });
		this.outcome = E('div', { 'class': 'mw-done', 'role': 'status' });
		this.tools = this.toolbar();
		this.unfolded = new Set();
		this.cards = new Map();
		this.samples = [];
		this.shown = EVENTS_SHOWN;
		this.more = E('button', {
			'class': 'btn',
			'click': () => { this.shown += 5 * EVENTS_SHOWN; this.drawEvents(); }
		}, [ _('Show more') ]);

		this.draw(data);
		poll.add(() => this.ask().then((answer) => this.draw(answer)));

		return E('div', { 'class': 'mw' }, [
			widgets.stylesheet(),
			E('h2', { 'name': 'content' }, [ _('Minewall') ]),
			this.answer,
			this.controls,
			this.outcome,
			this.problems,
			E('div', { 'class': 'cbi-section' }, [ E('h3', {}, [ _('Hosts') ]), this.tools, this.hosts ]),
			E('div', { 'class': 'cbi-section' }, [
				E('h3', {}, [ _('Does it work?') ]),
				this.health,
				this.fleet,
				L.hasViewPermission() === false ? '' : E('button', {
					'class': 'btn cbi-button',
					'data-deed': 'selftest',
					'title': _('Checks rules, queue, recognition, sets of the kernel, lists, clock and names; takes up to 15 seconds'),
					'click': ui.createHandlerFn(this, () => this.test())
				}, [ _('Self-test') ]),
				this.checks
			]),
			E('div', { 'class': 'cbi-section' }, [
				E('h3', {}, [ _('Activity') ]),
				E('div', { 'class': 'mw-charts' }, [
					E('div', {}, [
						E('span', { 'class': 'mw-key' }, [ _('blocked') ]), E('span', { 'class': 'mw-key' }, [ _('reported or suspected, each hour') ]),
						this.history
					]),
					E('div', {}, [ E('span', {}, [ _('Packets looked at') ]), this.rate ])
				]),
				this.tiles
			]),
			E('div', { 'class': 'cbi-section' }, [
				E('h3', {}, [ _('Recent events') ]),
				E('table', { 'class': 'table mw-events' }, [
					E('thead', {}, [ E('tr', { 'class': 'tr table-titles' }, [
						E('th', { 'class': 'th' }, [ _('Time') ]),
						E('th', { 'class': 'th' }, [ _('Host') ]),
						E('th', { 'class': 'th' }, [ _('What') ]),
						E('th', { 'class': 'th' }, [ _('Pool') ]),
						E('th', { 'class': 'th' }, [ _('Outcome') ])
					]) ]),
					this.table
				]),
				this.more
			])
		]);
	},

	draw(data) {
		const now = Date.now();

		if (data.error != null) {
			this.drawAnswer({ state: 'unknown', mood: 'bad', title: _('Unknown'), answer: _('The router gives no answer.') });
			fill(this.problems, [ data.error ], () => [ E('div', { 'class': 'alert-message danger' }, [ data.error ]) ]);
			return;
		}

		this.data = data;
		this.drawAnswer(api.answerOf(data.status, data.hosts, now), data.status);
		fill(this.problems, data.status.problems || [], () => problems.render(data.status.problems || []));
		this.drawControls(data.status);
		this.drawHosts(now);
		this.drawHealth(data.status, now);
		this.drawFleet(data.status.daemon, now);
		this.drawActivity(data.status.daemon, now);
		this.drawEvents();
	},

	drawAnswer({ state, mood, title, answer }, status) {
		const daemon = status && status.daemon;

		fill(this.answer, [ state, mood, title, answer ], () => [
			E('div', { 'class': 'mw-answer mw-%s'.format(mood), 'data-state': state }, [
				shield(),
				E('div', {}, [ E('strong', {}, [ title ]), E('span', {}, [ answer ]), this.about ])
			])
		]);
		dom.content(this.about, [ daemon ? _('Version %s, watching for %t').format(daemon.version, daemon.uptime) : '' ]);
	},

	/* What the answer at the top rests on. */
	drawHealth(status, now) {
		const { lists, packets_minute, queue = {}, watched = [], collector } = status.daemon || {};
		const bad = (status.problems || []).find(({ code }) => [ 'list', 'list_name', 'feed' ].includes(code));
		const test = status.selftest;
		const rows = [
			[ 'rules', _('Rules in the kernel'), status.rules === false || queue.has_rules === false ? _('missing') : _('loaded') ],
			[ 'packets', _('Packets in the last minute'), widgets.large(packets_minute) ],
			[ 'lists', _('Lists in force'), lists ? _('%d (entries: %d)').format(lists.files, lists.entries) : '–' ],
			[ 'list-error', _('Last error of a list'), bad ? bad.text : _('none') ],
			[ 'selftest', _('Last self-test'), !test ? _('none since the start') : '%s, %s'.format(
				test.failed ? N_(test.failed, '%d check failed', '%d checks failed').format(test.failed) : _('all is well'),
				widgets.ago(1000 * test.time, now)) ]
		];

		if (watched.length)
			rows.unshift([ 'watched', _('Watched'), _('only %s').format(watched.join(', ')) ]);
		if (collector)
			rows.push([ 'collector', _('Collector of events'),
				_('%s: %d sent, %d waiting, %d lost').format(collector.address, collector.sent, collector.waiting, collector.lost) ]);

		fill(this.health, rows, () => rows.flatMap(([ name, title, value ]) =>
			[ E('dt', {}, [ title ]), E('dd', { 'data-health': name }, [ String(value) ]) ]));
	},

	/* Other routers that were heard, if any was. */
	drawFleet(daemon, now) {
		const routers = ((daemon || {}).fleet || []).slice().reverse();
		const rows = routers.map(({ router, last_time, taken, refused }) => [ router, last_time, widgets.ago(last_time, now), taken, refused ]);
		const cell = (title, content) => E('td', { 'class': 'td', 'data-title': title }, [ content ]);

		fill(this.fleet, rows, () => !rows.length ? [] : [
			E('table', { 'class': 'table' }, [
				E('thead', {}, [ E('tr', { 'class': 'tr table-titles' }, [
					E('th', { 'class': 'th' }, [ _('Other router') ]),
					E('th', { 'class': 'th' }, [ _('Last heard') ]),
					E('th', { 'class': 'th' }, [ _('Servers taken from it') ]),
					E('th', { 'class': 'th' }, [ _('Not taken') ])
				]) ]),
				E('tbody', {}, [ ...rows.map(([ router, time, , taken, refused ]) => E('tr', { 'class': 'tr', 'data-router': router }, [
					cell(_('Other router'), router), cell(_('Last heard'), widgets.time(time, now)),
					cell(_('Servers taken from it'), String(taken)), cell(_('Not taken'), String(refused))
				])) ])
			])
		]);
	},

	/* A line for each check of the self-test, or why there is none. */
	async test() {
		const marks = { ok: 'good', off: 'warn', note: 'warn', FAILED: 'bad' };

		dom.content(this.checks, []);
		try {
			const reply = await api.selftest();

			if (!reply.ok)
				throw new Error(this.refused(reply).said);
			const mark = (outcome) => marks[outcome] || 'bad';

			dom.content(this.checks, reply.checks.map(({ name, outcome, text }) => E('p', { 'data-check': name }, [
				E('span', { 'class': 'label mw-label mw-label-%s'.format(mark(outcome)) }, [ outcome ]), ' ', E('b', {}, [ name ]), ' ', text
			])));
		}
		catch (error) {
			dom.content(this.checks, [ E('span', { 'class': 'alert-message danger' }, [ error.message ]) ]);
		}
		this.draw(await this.ask());
	},

	/* Start, stop, restart and rest of the service, for those who may. */
	drawControls(status) {
		if (L.hasViewPermission() === false || this.busy)
			return;

		const button = (name, title, explanation, deed) => E('button', {
			'class': 'btn cbi-button',
			'data-deed': name,
			'title': explanation,
			'click': ui.createHandlerFn(this, () => this.carryOut(this, deed))
		}, [ title ]);
		const done = (reply, said) => reply.ok ? { said } : this.refused(reply);
		const service = async (action, said) => done(await api.service(action), said);

		fill(this.controls, [ status.running, status.suspended > 0 ], () => {
			const minutes = E('select', { 'aria-label': _('Minutes') }, [ ...SUSPENSIONS.map((number) =>
				E('option', { 'value': number }, [ N_(number, '%d minute', '%d minutes').format(number) ])) ]);

			if (status.suspended > 0)
				return [ button('resume', _('Resume'), _('Watch again from now on'), async () => done(await api.suspend(0), _('It watches again.'))) ];
			if (!status.running)
				return [ button('start', _('Start'), _('Watch from now on, and after each boot if it is enabled'), () => service('start', _('Started.'))) ];
			return [
				button('suspend', _('Suspend'), _('Watch nothing for so long; it comes back by itself'),
					async () => done(await api.suspend(+minutes.value), _('Suspended; it comes back by itself.'))), minutes,
				button('restart', _('Restart'), _('Stop and start again; connections go on'), () => service('restart', _('Restarted.'))),
				button('stop', _('Stop'), _('Watch nothing until it is started, or until the next boot'), () => service('stop', _('Stopped.')))
			];
		});
	},

	/* Filter and order of the hosts, where there are many. */
	toolbar() {
		const redraw = () => this.data && this.drawHosts(Date.now());
		const filter = E('input', { 'type': 'search', 'class': 'cbi-input-text', 'placeholder': _('Filter by name, address, pool, verdict'), 'aria-label': _('Filter') });
		const order = E('select', { 'aria-label': _('Order') }, [
			[ 'latest', _('latest first') ], [ 'name', _('by name') ], [ 'verdict', _('by verdict') ], [ 'times', _('most often first') ]
		].map(([ value, title ]) => E('option', { 'value': value }, [ title ])));

		this.filter = filter;
		this.order = order;
		filter.addEventListener('input', redraw);
		order.addEventListener('change', redraw);
		return E('div', { 'class': 'mw-tools' }, [ filter, order ]);
	},

	/* The hosts that the filter leaves, in their order. */
	chosen(hosts) {
		const wanted = this.filter.value.toLowerCase();
		const key = ORDERS[this.order.value] || ORDERS.latest;
		const text = (host) => [ host.host, host.client, host.mac, host.server, host.dialect, api.verdictOf(host), widgets.verdict(api.verdictOf(host)) ].join(' ').toLowerCase();

		return hosts.filter((host) => text(host).includes(wanted))
			.sort((one, other) => key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0);
	},

	drawHosts(now) {
		const { status, hosts: all, events } = this.data;
		const isMany = all.length > HOSTS_OPEN;
		const hosts = isMany ? this.chosen(all) : all;

		this.tools.style.display = isMany ? '' : 'none';
		const cards = new Map(hosts.map((host) => [ host.client, this.cards.get(host.client) || this.card(host) ]));

		for (const host of hosts) {
			const event = events.find((one) => one.client === host.client && one.server === host.server) || {};

			this.drawHost(cards.get(host.client), host, event, now);
			cards.get(host.client).node.classList.toggle('mw-folded', isMany && !this.unfolded.has(host.client));
		}

		this.cards = cards;
		fill(this.hosts, [ Array.from(cards.keys()), all.length ], () => cards.size ? Array.from(cards.values(), (card) => card.node)
			: [ E('em', {}, [ all.length ? _('No host fits the filter.') : _('No host that tried to mine is remembered.') ]) ]);
	},

	/* The parts of a host's card; they stay while the host stays. */
	card(host) {
		const card = {
			who: E('div', { 'class': 'mw-who', 'click': () => this.fold(host.client) }),
			what: E('div'),
			when: E('div'),
			deeds: E('div', { 'class': 'mw-deeds' }),
			outcome: E('div', { 'class': 'mw-outcome', 'role': 'status' })
		};

		card.node = E('div', { 'class': 'mw-host', 'data-client': host.client },
			[ card.who, card.what, card.when, card.deeds, card.outcome ]);
		return card;
	},

	/* Shows the rest of a host that is a line, or hides it. */
	fold(client) {
		if (!this.unfolded.delete(client))
			this.unfolded.add(client);
		this.drawHosts(Date.now());
	},

	drawHost(card, host, event, now) {
		fill(card.who, [ host.host, host.client, host.mac ], () => [
			E('b', {}, [ api.nameOf(host) ]),
			E('small', {}, [ list(host.host ? host.client : null, host.mac) ])
		]);

		fill(card.what, [ host, event ], () => [
			E('span', {}, [ api.whatOf(Object.assign({}, event, { dialect: host.dialect })) ]),
			E('small', {}, [ _('at %s').format(list(event.server_name, host.server)) ]),
			E('small', {}, [ list(event.coin || event.agent ? host.dialect : null, event.wallet ? _('wallet %s').format(event.wallet) : null) ])
		]);

		fill(card.when, [ host, widgets.ago(host.last_time, now) ], () => [
			widgets.badge(api.verdictOf(host)), ' ', host.isolated ? widgets.badge('isolated') : '',
			E('small', {}, [
				N_(host.detections, '%d time', '%d times').format(host.detections), ', ', _('latest'), ' ', widgets.time(host.last_time, now)
			]),
			E('small', {}, [ _('since'), ' ', widgets.clock(host.first_time || host.last_time) ])
		]);

		/* While a deed is under way its button stays locked where it is. */
		if (!card.busy && L.hasViewPermission() !== false)
			fill(card.deeds, [ host.client, host.mac, host.server, host.host_allowed, host.server_allowed, host.isolated ], () => this.deeds(card, host));
	},

	/* What a person can do about a host, one click each. */
	deeds(card, host) {
		const button = (name, title, explanation, deed) => E('button', {
			'class': 'btn cbi-button',
			'data-deed': name,
			'title': explanation,
			'click': ui.createHandlerFn(this, () => this.carryOut(card, deed))
		}, [ title ]);

		const buttons = [
			button('isolate', host.isolated ? _('Let back') : _('Isolate'),
				_('Whether the firewall keeps %s from every other network, in all protocols').format(api.identityOf(host)), () => this.isolate(card, host, host.isolated)),
			button('host', host.host_allowed ? _('Forbid host') : _('Allow host'),
				_('Whether %s may mine, anywhere').format(api.identityOf(host)), () => this.allowHost(card, host, host.host_allowed)),
			button('pool', host.server_allowed ? _('Forbid pool') : _('Allow pool'),
				_('Whether every host may mine at %s').format(host.server), () => this.allowPool(card, host, host.server_allowed)),
			button('unblock', _('Unblock'),
				_('Forget what was learned of %s; it may be learned again').format(host.server), () => this.unblock(host)),
			button('probe', _('Ask again'),
				_('Ask %s whether it is a mining pool').format(host.server), () => this.probe(host))
		];

		/* A telephone shows no titles. */
		return [ ...buttons, E('details', {}, [
			E('summary', {}, [ _('What the buttons do') ]),
			E('dl', {}, [ ...buttons.flatMap((node) => [ E('dt', {}, [ node.textContent ]), E('dd', {}, [ node.title ]) ]) ])
		]) ];
	},

	/* Runs `deed`, which answers { said, undo }, and shows what came of it on the card. */
	async carryOut(card, deed) {
		let result;

		card.busy = true;
		try {
			result = await deed();
		}
		catch (error) {
			result = { said: error.message, failed: true };
		}
		card.busy = false;

		dom.content(card.outcome, [
			E('span', { 'class': result.failed ? 'alert-message danger' : 'alert-message mw-message-good' }, [ result.said ]),
			result.undo ? E('button', {
				'class': 'btn cbi-button',
				'data-deed': 'undo',
				'click': ui.createHandlerFn(this, () => this.carryOut(card, result.undo))
			}, [ _('Undo') ]) : ''
		]);
		this.draw(await this.ask());
	},

	/* The sentence of a refusal is the router's own. */
	refused: (reply) => ({ said: reply.error || _('The router refused, and did not say why.'), failed: true }),

	async isolate(card, host, remove) {
		const identity = api.identityOf(host), reply = await api.isolate(identity, host.client, remove);

		if (!reply.ok)
			return this.refused(reply);
		return {
			said: (remove ? _('%s is let back.') : _('%s reaches no other network any more.')).format(identity),
			undo: () => this.isolate(card, host, !remove)
		};
	},

	async allowHost(card, host, remove) {
		const identity = api.identityOf(host), reply = await api.allowHost(identity, remove);

		if (!reply.ok)
			return this.refused(reply);
		return {
			said: (remove ? _('%s may not mine any more.') : _('%s may mine from now on.')).format(reply.value || identity),
			undo: () => this.allowHost(card, host, !remove)
		};
	},

	async allowPool(card, host, remove) {
		const reply = await api.allowServer(host.server, remove);

		if (!reply.ok)
			return this.refused(reply);
		return {
			said: (remove ? _('Nobody may mine at %s any more.') : _('Every host may mine at %s from now on.')).format(reply.value || host.server),
			undo: () => this.allowPool(card, host, !remove)
		};
	},

	async unblock(host) {
		const reply = await api.unblock(host.server);

		return reply.ok ? { said: reply.text || _('Forgotten: %s').format(host.server) } : this.refused(reply);
	},

	async probe(host) {
		const reply = await api.probe(host.server);

		if (!reply.ok)
			return this.refused(reply);

		const found = {
			pool: _('%s is a mining pool.'),
			not_pool: _('%s is not a mining pool.')
		}[reply.outcome] || _('%s did not say what it is.');

		return { said: [ found.format(reply.endpoint || host.server), list(reply.dialect, reply.transport, reply.evidence) ].join(' ') };
	},

	drawActivity(daemon, now) {
		dom.content(this.history, widgets.bars(this.data.events, now));

		if (daemon) {
			const { last } = this;

			/* Counters start anew with the daemon. */
			if (!last || daemon.packets < last.packets)
				this.last = { packets: daemon.packets, now };
			else if (now - last.now >= SAMPLE_TIME) {
				this.samples = [ ...this.samples, 1000 * (daemon.packets - last.packets) / (now - last.now) ].slice(-SAMPLES);
				this.last = { packets: daemon.packets, now };
			}
		}
		else {
			this.last = null;
			this.samples = [];
		}
		dom.content(this.rate, widgets.line(this.samples, Math.max(SAMPLES_AT_FIRST, this.samples.length), _('Packets per second while this page is open'), daemon ? _('measuring…') : ''));

		/* A daemon of another version may know less. */
		const { flows = {}, queue = {}, learned = {} } = daemon || {};

		dom.content(this.tiles, daemon ? [
			widgets.tile(_('detections'), widgets.large(daemon.detections), _('Sessions proven to be mining since the start')),
			widgets.tile(_('suspects'), widgets.large(daemon.suspects), _('Encrypted sessions that looked like mining')),
			widgets.tile(_('packets cut off'), widgets.large(daemon.resets), _('Packets replaced by a reset')),
			widgets.tile(_('known pools'), widgets.large(learned.blocking), _('Servers whose connections are refused from the first packet on')),
			widgets.tile(_('connections refused'), widgets.large(learned.refused_by_kernel), _('By the kernel, to known pools')),
			widgets.tile(_('packets looked at'), widgets.large(daemon.packets), _('Packets handled since the start')),
			widgets.tile(_('connections followed'), '%s / %s'.format(widgets.large(flows.used), widgets.large(flows.capacity)),
				_('Connections in the table, and how many it can hold')),
			widgets.tile(_('packets unseen'), widgets.large(queue.dropped + queue.user_dropped),
				_('Packets that found the queue full and were let pass'))
		] : []);
	},

	drawEvents() {
		const { events } = this.data, now = Date.now();
		const rows = () => events.slice(0, this.shown).map((event) => E('tr', { 'class': 'tr' }, [
			E('td', { 'class': 'td', 'data-title': _('Time') }, [ event.time ? widgets.time(event.time, now) : '' ]),
			E('td', { 'class': 'td', 'data-title': _('Host') }, [
				E('span', {}, [ api.nameOf(event) ]), E('small', {}, [ list(event.host ? event.client : null, event.mac) ])
			]),
			E('td', { 'class': 'td', 'data-title': _('What') }, [
				E('span', {}, [ api.whatOf(event) || event.event ]), E('small', {}, [ event.evidence ])
			]),
			E('td', { 'class': 'td', 'data-title': _('Pool') }, [
				E('span', {}, [ event.server_name || event.server ]), E('small', {}, [ event.server_name ? event.server : '' ])
			]),
			E('td', { 'class': 'td', 'data-title': _('Outcome') }, [ event.verdict ? widgets.badge(event.verdict) : '' ])
		]));

		const none = () => [ E('tr', { 'class': 'tr placeholder' }, [
			E('td', { 'class': 'td', 'colspan': 5 }, [ E('em', {}, [ _('Nothing has happened yet.') ]) ])
		]) ];

		/* Times are told in minutes. */
		fill(this.table, [ events.length, events[0], this.shown, Math.floor(now / 60000) ], events.length ? rows : none);
		this.more.style.display = events.length > this.shown ? '' : 'none';
	}
});
