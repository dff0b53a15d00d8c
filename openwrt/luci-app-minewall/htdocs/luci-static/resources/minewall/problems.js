'use strict';
'require baseclass';
'require minewall.api as api';

/* Problems beside which it watches and blocks as before. */
const MILD = [ 'config_warning', 'list_name', 'feed', 'notifier', 'collector', 'zone', 'suspended' ];

return baseclass.extend({
	/* What is wrong, and what to do about it: a box for each of the problems of a status. */
	render(problems) {
		return problems.map(({ code, text, remedy }) => E('div', {
			'class': 'alert-message %s'.format(MILD.includes(code) ? 'warning' : 'danger'),
			'data-problem': code
		}, [ E('strong', {}, [ text ]), ' ', api.adviceOn(code) || remedy || '' ]));
	}
});
