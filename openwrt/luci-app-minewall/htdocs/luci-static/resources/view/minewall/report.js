'use strict';
'require view';
'require poll';
'require minewall.api as api';
'require minewall.widgets as widgets';

/* Days that the report can reach back; 0 is as far as the router remembers. */
const SPANS = [ 1, 7, 30, 0 ];

/* Who, what, when, how often, and what was done: what `minewall report` prints. */
return view.extend({
	handleSave: null,
	handleSaveApply: null,
	handleReset: null,

	load() {
		return this.ask();
	},

	ask() {
		return api.hosts().catch((error) => error.message);
	},

	render(hosts) {
		this.rows = E('tbody');
		this.summary = E('p', { 'role': 'status' });
		this.span = E('select', { 'aria-label': _('Time') }, [ ...SPANS.map((days) => E('option', { 'value': days }, [
			days ? N_(days, 'last %d day', 'last %d days').format(days) : _('all that is remembered')
		])) ]);
		this.span.value = '7';
		this.span.addEventListener('change', () => this.draw());
		this.hosts = hosts;
		this.draw();
		poll.add(() => this.ask().then((answer) => { this.hosts = answer; this.draw(); }));

		return E('div', { 'class': 'mw' }, [
			widgets.stylesheet(),
			E('h2', { 'name': 'content' }, [ _('Report') ]),
			E('div', { 'class': 'mw-tools' }, [ this.span ]),
			this.summary,
			E('table', { 'class': 'table mw-report' }, [
				E('thead', {}, [ E('tr', { 'class': 'tr table-titles' }, [ ...[ _('Host'), _('What'), _('First'), _('Latest'), _('Times'), _('Outcome') ]
					.map((title) => E('th', { 'class': 'th' }, [ title ])) ]) ]),
				this.rows
			])
		]);
	},

	draw() {
		if (typeof this.hosts === 'string')
			return widgets.fill(this.summary, [ this.hosts ], () => [ E('span', { 'class': 'alert-message danger' }, [ this.hosts ]) ]);

		const now = Date.now(), days = +this.span.value;
		/* A time that can't be read hides nothing. */
		const hosts = this.hosts.filter(({ last_time }) => !days || !(now - Date.parse(last_time) > days * 86400000));
		const cell = (title, ...children) => E('td', { 'class': 'td', 'data-title': title }, [ ...children ]);
		const mined = hosts.filter(({ verdict }) => verdict !== 'suspected').length;

		widgets.fill(this.summary, [ hosts.length, mined ], () => [ hosts.length
			? _('Hosts that tried to mine: %d; only suspected: %d.').format(mined, hosts.length - mined) : _('No host has mined in this time.') ]);
		widgets.fill(this.rows, [ hosts, Math.floor(now / 60000) ], () => hosts.map((host) => E('tr', { 'class': 'tr', 'data-client': host.client }, [
			cell(_('Host'), E('b', {}, [ api.nameOf(host) ]), E('small', {}, [ api.list(host.client, host.mac) ])),
			cell(_('What'), E('span', {}, [ api.whatOf(host) ]), E('small', {}, [ _('at %s').format(host.server) ])),
			cell(_('First'), widgets.clock(host.first_time || host.last_time)),
			cell(_('Latest'), widgets.time(host.last_time, now)),
			cell(_('Times'), String(host.detections)),
			cell(_('Outcome'), widgets.badge(api.verdictOf(host)), ' ', host.isolated ? widgets.badge('isolated') : '')
		])));
	}
});
