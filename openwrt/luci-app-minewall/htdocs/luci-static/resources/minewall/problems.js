'use strict';
'require baseclass';
'require minewall.api as api';

return baseclass.extend({
	/* What is wrong, and what to do about it: a box for each of the problems of a status. */
	render(problems) {
		return problems.map(({ code, text, remedy }) => E('div', {
			'class': 'alert-message %s'.format([ 'config_warning', 'list_name', 'feed', 'notifier', 'suspended' ].includes(code) ? 'warning' : 'error'),
			'data-problem': code
		}, [ E('strong', {}, [ text ]), ' ', api.adviceOn(code) || remedy || '' ]));
	}
});
