'use strict';
'require view';
'require dom';
'require form';
'require poll';
'require minewall.api as api';
'require minewall.options as options';
'require minewall.problems as problems';
'require minewall.widgets as widgets';

const SECTION = 'main';

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = new RegExp('^%s(?:\\.%s){3}$'.format(OCTET, OCTET));
const MAC = /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i;
/* [IPv6] or IPv4, with a port if one is meant. */
const WITH_PORT = /^(?:\[([^\]]*)\]|([0-9.]+(?:\/[0-9]+)?))(?::([0-9]{1,5}))?$/;

function isIPv6(text) {
	try {
		return /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text) && new URL('http://[%s]/'.format(text)) !== null;
	} catch {
		return false;
	}
}

/* An address or a prefix, as the daemon reads them. */
function isPrefix(text) {
	const [ address, length, more ] = text.split('/');
	const longest = IPV4.test(address) ? 32 : isIPv6(address) ? 128 : -1;

	return longest >= 0 && more === undefined && (length === undefined || /^[0-9]{1,3}$/.test(length) && +length <= longest);
}

function isHost(_section_id, value) {
	return value === '' || MAC.test(value) || isPrefix(value) ? true : _('Expecting an address, a prefix or a MAC');
}

function isPath(_section_id, value) {
	return value === '' || value.startsWith('/') ? true : _('Expecting an absolute path');
}

function isEndpoint(_section_id, value) {
	const [ , ipv6, ipv4, port ] = WITH_PORT.exec(value) || [ null, null, value ];
	const isOne = ipv6 === undefined || ipv6 === null ? isPrefix(ipv4) : isPrefix(ipv6);

	return value === '' || isOne && +(port || 0) <= 65535
		? true : _('Expecting an address or a prefix, with a port like 192.0.2.1:3333 or [2001:db8::1]:3333 if one is meant');
}

function isUrl(_section_id, value) {
	return value.startsWith('http://') || value.startsWith('https://') ? true : _('Expecting a URL that begins with http:// or https://');
}

function isName(_section_id, value) {
	return value === '' || /^[A-Za-z0-9._@][A-Za-z0-9._@-]{0,14}$/.test(value)
		? true : _('Expecting a name of at most 15 letters, digits, and of . _ - @');
}

function isCollector(_section_id, value) {
	const [ , ipv6, name, port ] = /^(?:udp|tcp|tls):\/\/(?:\[([^\]]*)\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})$/.exec(value) || [];
	const isPlace = name !== undefined || ipv6 !== undefined && isIPv6(ipv6);

	return value === '' || value === 'syslog' || isPlace && +port >= 1 && +port <= 65535
		? true : _('Expecting syslog, or udp://, tcp:// or tls:// with HOST:PORT');
}

function isFingerprint(_section_id, value) {
	return value === '' || /^[0-9a-f]{64}$/.test(value.toLowerCase().replace(/^sha-256:/, '').replace(/:/g, ''))
		? true : _('Expecting a SHA-256 fingerprint: 64 hexadecimal digits, with colons or without');
}

/* What is taken for a text of each form. */
const FORMS = {
	host: isHost,
	endpoint: isEndpoint,
	path: isPath,
	name: isName,
	collector: isCollector,
	fingerprint: isFingerprint
};

/* What stands in no option, and is left as the daemon has it, is not written. */
function writeChange(section_id, value) {
	if (value !== (this.cfgvalue(section_id) ?? this.default))
		return Object.getPrototypeOf(this).write.call(this, section_id, value);
}

/* A widget for each kind of option. What stands in no option is the daemon's default. */
const KINDS = {
	flag(add, { preset }) {
		const flag = add(form.Flag);

		flag.default = preset;
		/* A default that changes with an update must not change what was chosen here. */
		flag.rmempty = false;
		flag.write = writeChange;
	},

	choice(add, { preset, choices }) {
		const choice = add(form.ListValue);

		choice.default = preset;
		choice.write = writeChange;
		choices.forEach(([ value, text ]) => choice.value(value, text));
	},

	number(add, { preset, min, max, unit }) {
		const number = add(form.Value, unit ? _('%d to %d %s, %d if empty.').format(min, max, unit, preset)
			: _('%d to %d, %d if empty.').format(min, max, preset));

		number.datatype = 'and(uinteger,range(%d,%d))'.format(min, max);
		number.placeholder = preset;
	},

	path(add, { preset }) {
		const file = add(form.Value);

		file.placeholder = preset;
		file.validate = isPath;
	},

	text(add, { form: text }) {
		add(form.Value).validate = FORMS[text];
	},

	list(add, { preset, form: entries }) {
		add(form.DynamicList, preset ? _('If none is given: %s.').format(preset) : '').validate = FORMS[entries];
	}
};

/* The options of a tab, as the daemon declares them. */
function addTab(section, tab) {
	section.tab(tab.name, tab.title, tab.help);
	for (const option of tab.options)
		KINDS[option.kind]((widget, range) => section.taboption(tab.name, widget, option.name, option.title,
			range ? '%s %s'.format(option.help, range) : option.help), option);
}

/* Sections of their own, which minewall-update-lists reads. */
function feeds(section, tab) {
	const { subsection } = section.taboption(tab, form.SectionValue, '_feeds', form.TypedSection, 'feed', _('Lists from elsewhere'),
		_('Fetched by minewall-update-lists, which cron has to run, and checked before they count.'));

	subsection.addremove = true;
	subsection.anonymous = false;

	const option = (...args) => subsection.option(...args);
	const number = (name, title, unit, by_default, low, high) => {
		const value = option(form.Value, name, title, _('%d to %d %s, %d if empty.').format(low, high, unit, by_default));

		value.datatype = 'and(uinteger,range(%d,%d))'.format(low, high);
		value.placeholder = String(by_default);
	};
	const enabled = option(form.Flag, 'enabled', _('Enabled'));
	const url = option(form.Value, 'url', _('URL'));
	const policy = option(form.ListValue, 'policy', _('Its entries'));

	enabled.default = '1';
	enabled.rmempty = false;
	url.rmempty = false;
	url.validate = isUrl;
	policy.default = 'suspect';
	policy.value('suspect', _('make suspects'));
	policy.value('block', _('are blocked'));
	policy.value('allow', _('are exempt'));
	number('interval', _('Fetched every'), _('hours'), 24, 1, 8760);
	number('max_size', _('Refused if larger than'), _('KiB'), 2048, 1, 65536);
	number('max_loss', _('Refused if it has lost'), _('per cent'), 50, 0, 100);
}

/* Options of the notifiers: name, title, what it is, the types that have it, and what is taken if it is empty. */
const NOTIFIER_OPTIONS = [
	[ 'to', _('To'), _('Address of the receiver.'), [ 'mail' ] ],
	[ 'from', _('From'), _('Address of the sender.'), [ 'mail' ] ],
	[ 'server', _('Server'), _('Mail server, or MQTT broker. Without a mail server the router\'s own sendmail is used.'), [ 'mail', 'mqtt' ] ],
	[ 'port', _('Port'), _('The usual one if empty.'), [ 'mail', 'mqtt' ] ],
	[ 'url', _('URL'), _('Address for the POST, or the server of ntfy.'), [ 'webhook', 'ntfy' ] ],
	[ 'topic', _('Topic'), _('Topic of ntfy that the telephone subscribes to, or of the broker.'), [ 'ntfy', 'mqtt' ] ],
	[ 'chat', _('Chat'), _('Number of the chat.'), [ 'telegram' ] ],
	[ 'username', _('User name'), _('If the server wants one.'), [ 'mail', 'webhook', 'mqtt' ] ],
	[ 'password', _('Password'), _('If the server wants one.'), [ 'mail', 'webhook', 'mqtt' ] ],
	[ 'token', _('Token'), _('Of the bot, or of ntfy if the topic is protected.'), [ 'ntfy', 'telegram' ] ]
];

/* Sections of their own, which the notifiers' scripts read. */
function notifiers(section, tab, outcome) {
	const { subsection } = section.taboption(tab, form.SectionValue, '_notifiers', form.TypedSection, 'notifier', _('Ways to be told'),
		_('By the router\'s own programs: curl or uclient-fetch, msmtp, mosquitto_pub. Save before you test.'));

	subsection.addremove = true;
	subsection.anonymous = false;

	const option = (...args) => subsection.option(...args);
	const enabled = option(form.Flag, 'enabled', _('Enabled'));
	const type = option(form.ListValue, 'type', _('By'));

	enabled.default = '1';
	enabled.rmempty = false;
	type.default = 'ntfy';
	type.rmempty = false;
	[ [ 'ntfy', _('ntfy') ], [ 'telegram', _('Telegram') ], [ 'mail', _('mail') ], [ 'webhook', _('webhook') ], [ 'mqtt', _('MQTT') ] ]
		.forEach(([ value, title ]) => type.value(value, title));
	for (const [ name, title, help, types ] of NOTIFIER_OPTIONS) {
		const value = option(form.Value, name, title, help);

		value.password = name === 'password' || name === 'token';
		if (name === 'port')
			value.datatype = 'port';
		types.forEach((one) => value.depends('type', one));
	}

	const report = option(form.Flag, 'report', _('Weekly report'), _('On Monday morning: which hosts mined in the week, and what was done.'));
	const test = option(form.Button, '_test', _('Test'));

	report.default = '0';
	test.inputtitle = _('Send a test');
	test.onclick = async (_event, name) => {
		const reply = await api.notifyTest(name).catch((error) => ({ error: error.message }));

		dom.content(outcome, [ E('span', { 'class': reply.ok ? 'alert-message mw-message-good' : 'alert-message danger' },
			[ name, ': ', reply.ok ? _('The test was sent.') : reply.error || _('The router refused, and did not say why.') ]) ]);
		outcome.scrollIntoView({ block: 'nearest' });
	};
}

return view.extend({
	load() {
		return L.resolveDefault(api.status(), {});
	},

	async render(status) {
		const box = E('div', { 'class': 'mw-problems' }), outcome = E('div', { 'class': 'mw-outcome', 'role': 'status' });
		const draw = ({ problems: all }) => dom.content(box, problems.render((all || []).filter(({ code }) => code.startsWith('config'))));
		const map = new form.Map('minewall', _('Minewall'), _('The firewall against cryptomining: what it watches, blocks and reports.'));
		const section = map.section(form.NamedSection, SECTION, 'minewall');

		for (const tab of options.tabs)
			addTab(section, tab);
		feeds(section, 'known');
		notifiers(section, 'notices', outcome);

		draw(status);
		/* What the daemon makes of settings that were applied comes seconds later. */
		poll.add(() => L.resolveDefault(api.status(), {}).then(draw));

		return E([], [ widgets.stylesheet(), box, await map.render(), outcome ]);
	}
});
