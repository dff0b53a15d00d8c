'use strict';
'require baseclass';
'require minewall.api as api';

return baseclass.extend({
	/* What is wrong, and what to do about it: a box for each of the problems of a status. */
	render(problems) {
		return problems.map(({ code, text }) => E('div', {
			'class': 'alert-message %s'.format(code === 'config_warning' ? 'warning' : 'error'),
			'data-problem': code
		}, [ E('strong', {}, [ text ]), ' ', api.adviceOn(code) || '' ]));
	}
});
