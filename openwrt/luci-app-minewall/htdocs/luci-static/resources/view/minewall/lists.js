'use strict';
'require view';
'require dom';
'require fs';
'require poll';
'require uci';
'require ui';
'require minewall.api as api';
'require minewall.widgets as widgets';

const FOLDER = '/etc/minewall/lists';

/* Public lists that are about mining. None is fetched until it is chosen; its entries then only make suspects. */
const SUGGESTIONS = [
	{ name: 'nocoin', url: 'https://raw.githubusercontent.com/hoshsadiq/adblock-nocoin-list/master/hosts.txt',
		about: _('Miners in web pages, by name (NoCoin)') },
	{ name: 'blp_crypto', url: 'https://blocklistproject.github.io/Lists/crypto.txt',
		about: _('Cryptojacking and pools, by name (Block List Project)') }
];

function policyTitle(policy) {
	switch (policy) {
	case 'block': return _('blocked');
	case 'suspect': return _('suspect: its server is asked');
	case 'allow': return _('exempt');
	default: return _('nothing is known of it');
	}
}

return view.extend({
	handleSave: null,
	handleSaveApply: null,
	handleReset: null,

	load() {
		return this.ask();
	},

	ask() {
		return Promise.all([ api.lists(), uci.load('minewall') ]).then(([ lists ]) => lists)
			.catch((error) => ({ error: error.message, feeds: [], own: [] }));
	},

	render(data) {
		this.mayWrite = L.hasViewPermission() !== false;
		this.feeds = E('tbody');
		this.suggestions = E('div');
		this.outcome = E('div', { 'class': 'mw-outcome', 'role': 'status' });
		this.files = E('select', { 'aria-label': _('List') });
		this.name = E('input', { 'type': 'text', 'class': 'cbi-input-text', 'placeholder': 'mine.block', 'aria-label': _('Name of the list') });
		this.text = E('textarea', { 'spellcheck': 'false', 'aria-label': _('Entries'), 'disabled': this.mayWrite ? null : '' });
		this.said = E('div', { 'class': 'mw-outcome', 'role': 'status' });
		this.files.addEventListener('change', () => this.open(this.files.value));

		this.draw(data);
		/* To count its entries the router reads each list. */
		poll.add(() => this.ask().then((lists) => this.draw(lists)), 15);

		return E('div', { 'class': 'mw' }, [
			widgets.stylesheet(),
			E('h2', { 'name': 'content' }, [ _('Lists') ]),
			this.checker(),
			E('div', { 'class': 'cbi-section' }, [
				E('h3', {}, [ _('Lists from elsewhere') ]),
				E('table', { 'class': 'table mw-feeds' }, [
					E('thead', {}, [ E('tr', { 'class': 'tr table-titles' }, [ _('Name'), _('Entries'), _('Fetched'), _('Last error'), '' ]
						.map((title) => E('th', { 'class': 'th' }, [ title ]))) ]),
					this.feeds
				]),
				this.button('update', _('Update all now'), () => this.update('')),
				this.outcome,
				this.suggestions
			]),
			E('div', { 'class': 'cbi-section mw-own' }, [
				E('h3', {}, [ _('Own lists') ]),
				E('p', {}, [ _('A name, address, prefix or host:port a line. The end of the name is the policy of its entries: .block, .suspect or .allow.') ]),
				this.files, ' ', this.name,
				this.text,
				this.button('save', _('Check and save'), () => this.save()), ' ',
				this.button('delete', _('Delete'), () => this.drop()),
				this.said
			])
		]);
	},

	/* A button of those who may change something. */
	button(deed, title, call) {
		return this.mayWrite ? E('button', { 'class': 'btn cbi-button', 'data-deed': deed, 'click': ui.createHandlerFn(this, call) }, [ title ]) : '';
	},

	/* A sentence in `node`: what was done, or what went wrong. */
	tell(node, text, failed) {
		dom.content(node, [ E('span', { 'class': failed ? 'alert-message danger' : 'alert-message mw-message-good' }, [ text ]) ]);
	},

	checker() {
		const target = E('input', { 'type': 'text', 'class': 'cbi-input-text', 'placeholder': 'pool.example:3333', 'aria-label': _('Name or address') });
		const reasons = E('div', { 'class': 'mw-reasons', 'role': 'status' });
		const look = async () => {
			const reply = await api.check(target.value.trim()).catch((error) => ({ error: error.message }));

			if (!reply.ok)
				return this.tell(reasons, reply.error);
			dom.content(reasons, [
				E('b', {}, [ reply.subject, ': ', policyTitle(reply.policy) ]),
				...reply.reasons.map(({ reason }) => E('p', {}, [ reason ]))
			]);
		};

		return E('div', { 'class': 'cbi-section' }, [
			E('h3', {}, [ _('What is known of a server') ]),
			target, ' ',
			E('button', { 'class': 'btn cbi-button', 'data-deed': 'check', 'click': ui.createHandlerFn(this, look) }, [ _('Look up') ]),
			reasons
		]);
	},

	draw({ error, feeds, own }) {
		const now = Date.now();

		if (error)
			this.tell(this.outcome, error, true);
		widgets.fill(this.feeds, [ feeds, Math.floor(now / 60000) ], () => feeds.length ? feeds.map((feed) => E('tr', { 'class': 'tr', 'data-feed': feed.name }, [
			E('td', { 'class': 'td', 'data-title': _('Name') }, [ E('b', {}, [ feed.name ]), E('small', {}, [ feed.url ]) ]),
			E('td', { 'class': 'td', 'data-title': _('Entries') }, [ feed.entries == null ? '–' : String(feed.entries), E('small', {}, [ policyTitle(feed.policy) ]) ]),
			E('td', { 'class': 'td', 'data-title': _('Fetched') }, [ !feed.enabled ? _('switched off')
				: feed.last_success ? widgets.ago(1000 * feed.last_success, now) : _('never') ]),
			E('td', { 'class': 'td', 'data-title': _('Last error') }, [ feed.last_error || '–' ]),
			E('td', { 'class': 'td' }, [ this.button('update', _('Update now'), () => this.update(feed.name)) ])
		])) : [ E('tr', { 'class': 'tr placeholder' }, [ E('td', { 'class': 'td', 'colspan': 5 }, [ E('em', {}, [ _('None. The built-in list is in force all the same.') ]) ]) ]) ]);

		const others = SUGGESTIONS.filter(({ url }) => !uci.sections('minewall', 'feed').some((section) => section.url === url));

		widgets.fill(this.suggestions, others.map(({ name }) => name), () => others.length ? [ E('h4', {}, [ _('Suggestions') ]), ...others.map((one) => E('p', { 'data-suggestion': one.name }, [
			this.button('add', _('Add'), () => this.add(one)), ' ', one.about, E('small', {}, [ ' ', one.url ])
		])) ] : []);

		const names = own.map(({ name }) => name);

		if (this.names !== names.join()) {
			const chosen = this.files.value;

			this.names = names.join();
			dom.content(this.files, [ E('option', { 'value': '' }, [ _('new list') ]), ...own.map(({ name, entries }) =>
				E('option', { 'value': name }, [ '%s (%s)'.format(name, entries == null ? '–' : entries) ])) ]);
			this.files.value = names.includes(chosen) ? chosen : '';
		}
	},

	async update(name) {
		const reply = await api.updateLists(name).catch((error) => ({ error: error.message }));

		this.tell(this.outcome, reply.ok ? _('Under way; a slow server may take a minute.') : reply.error, !reply.ok);
	},

	async add({ name, url }) {
		uci.add('minewall', 'feed', name);
		uci.set('minewall', name, 'url', url);
		uci.set('minewall', name, 'policy', 'suspect');
		await uci.save();
		await uci.apply();
		await this.update(name);
		this.draw(await this.ask());
	},

	async open(name) {
		this.name.value = name;
		this.text.value = name ? await fs.read('%s/%s'.format(FOLDER, name)).catch((error) => { this.tell(this.said, error.message, true); return ''; }) : '';
	},

	async save() {
		const name = this.name.value.trim();

		if (!/^[\w-][\w.-]*\.(block|suspect|allow)$/.test(name))
			return this.tell(this.said, _('The name ends in .block, .suspect or .allow.'), true);
		try {
			const text = this.text.value.replace(/\r\n/g, '\n');

			await fs.write('%s/.%s.new'.format(FOLDER, name), text.endsWith('\n') ? text : text + '\n');

			const reply = await api.takeList(name, false);

			this.tell(this.said, reply.ok ? reply.text : reply.error, !reply.ok);
		}
		catch (error) {
			this.tell(this.said, error.message, true);
		}
		this.draw(await this.ask());
	},

	async drop() {
		const name = this.name.value.trim();
		const reply = await api.takeList(name, true).catch((error) => ({ error: error.message }));

		this.tell(this.said, reply.ok ? _('%s is gone.').format(name) : reply.error, !reply.ok);
		this.draw(await this.ask());
	}
});
