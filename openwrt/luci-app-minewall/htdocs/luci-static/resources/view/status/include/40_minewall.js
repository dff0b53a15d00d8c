'use strict';
'require baseclass';
'require minewall.api as api';
'require minewall.widgets as widgets';

return baseclass.extend({
	title: _('Minewall'),

	load() {
		return L.resolveDefault(Promise.all([ api.status(), api.hosts() ]), null);
	},

	render(data) {
		if (!data)
			return E('em', {}, [ _('The router gives no answer.') ]);

		const [ status, hosts ] = data, now = Date.now();
		const { mood, state, title, answer } = api.answerOf(status, hosts, now);

		return E('div', { 'class': 'mw-widget', 'data-state': state }, [
			widgets.stylesheet(),
			E('p', {}, [ E('span', { 'class': 'label mw-label mw-label-%s'.format(mood) }, [ title ]), ' ', answer ]),
			...(status.problems || []).slice(0, 1).map(({ text }) => E('p', {}, [ text ])),
			...hosts.slice(0, 5).map((host) => E('p', {}, [
				widgets.badge(api.verdictOf(host)), ' ', E('b', {}, [ api.nameOf(host) ]), ' ', host.server, ' ', widgets.time(host.last_time, now)
			])),
			E('a', { 'href': L.url('admin/services/minewall/status') }, [ _('Details') ])
		]);
	}
});
