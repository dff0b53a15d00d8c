'use strict';
'require view';
'require dom';
'require poll';

/* Model of the page Status > Overview: each include with its title, loaded and drawn again at every poll. */

return view.extend({
	load() {
		return Promise.all(L.env.includes.map((name) => L.require(name)));
	},

	async render(includes) {
		const boxes = includes.map((include) => E('div', { 'class': 'cbi-section' }, [
			E('h3', {}, [ include.title ]), E('div')
		]));
		const step = () => Promise.all(includes.map(async (include, index) => {
			const content = include.render(await include.load());

			if (content != null)
				dom.content(boxes[index].lastChild, content);
		}));

		await step();
		poll.add(step);
		return E([], [ E('h2', {}, [ _('Status') ]), ...boxes ]);
	},

	handleSave: null,
	handleSaveApply: null,
	handleReset: null
});
