'use strict';
'require view';
'require dom';
'require form';
'require poll';
'require minewall.api as api';
'require minewall.problems as problems';
'require minewall.widgets as widgets';

/* The configuration of the daemon, option by option: the page has each of them, which a test holds it to. */

const SECTION = 'main';

/* An address or a prefix, with a port if one is meant; the router has the last word. */
const ENDPOINT = new RegExp('^(?:' + [
	'[0-9.]+(?:/[0-9]{1,2})?(?::([0-9]{1,5}))?',
	'\\[[0-9a-f:.]+(?:/[0-9]{1,3})?\\](?::([0-9]{1,5}))?',
	'[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*(?:/[0-9]{1,3})?'
].join('|') + ')$', 'i');

function isPath(_section_id, value) {
	return value === '' || value.startsWith('/') ? true : _('Expecting an absolute path');
}

function isEndpoint(section_id, value) {
	const match = ENDPOINT.exec(value);

	return value === '' || match && +(match[1] || match[2] || 0) <= 65535
		? true : _('Expecting an address or a prefix, with a port like 192.0.2.1:3333 or [2001:db8::1]:3333 if one is meant');
}

function isUrl(_section_id, value) {
	return value.startsWith('http://') || value.startsWith('https://') ? true : _('Expecting a URL that begins with http:// or https://');
}

/* Options of one section, by tab. What stands in no option is the daemon's default. */
class Options {
	constructor(section) {
		this.section = section;
	}

	tab(name, title, description) {
		this.section.tab(name, title, description);
		this.name = name;
	}

	add(kind, option, title, help) {
		return this.section.taboption(this.name, kind, option, title, help);
	}

	flag(option, title, help, by_default) {
		const flag = this.add(form.Flag, option, title, help);

		flag.default = by_default;
		/* A default that changes with an update must not change what was chosen here. */
		flag.rmempty = false;
	}

	choice(option, title, help, by_default, choices) {
		const choice = this.add(form.ListValue, option, title, help);

		choice.default = by_default;
		choices.forEach(([ value, text ]) => choice.value(value, text));
	}

	number(option, title, help, by_default, low, high, unit) {
		const range = unit ? _('%d to %d %s, %d if empty.').format(low, high, unit, by_default)
			: _('%d to %d, %d if empty.').format(low, high, by_default);
		const number = this.add(form.Value, option, title, '%s %s'.format(help, range));

		number.datatype = 'and(uinteger,range(%d,%d))'.format(low, high);
		number.placeholder = String(by_default);
	}

	file(option, title, help, by_default) {
		const file = this.add(form.Value, option, title, help);

		file.placeholder = by_default;
		file.validate = isPath;
	}

	list(option, title, help, validate) {
		const list = this.add(form.DynamicList, option, title, help);

		if (typeof validate === 'function')
			list.validate = validate;
		else
			list.datatype = validate;
		return list;
	}
}

function general(options) {
	options.tab('general', _('General'));
	options.flag('enabled', _('Enabled'), _('Whether the service starts at all.'), '1');
	options.choice('mode', _('Miners are'), _('Blocking needs proof. A suspicion alone never blocks.'), 'block', [
		[ 'block', _('blocked: cut off and reported') ],
		[ 'monitor', _('reported only') ]
	]);
	options.list('allow_host', _('Hosts that may mine'), _('An address, a prefix like 192.168.1.0/24, or a MAC like 02:00:5e:10:00:01.'),
		'or(macaddr,cidr,ipaddr("nomask"))');
	options.list('allow_endpoint', _('Servers to mine at'), _('Servers that every host may mine at: an address or a prefix, with a port like 192.0.2.1:3333 or [2001:db8::1]:3333 if one is meant.'),
		isEndpoint);
}

function encrypted(options) {
	options.tab('encrypted', _('Encrypted sessions'), _('What cannot be read is judged by the sizes and times of its packets. A suspect is reported, not blocked, until its server proves to be a pool.'));
	options.choice('sensitivity', _('Suspect'), _('How easily a session is suspected of mining.'), 'balanced', [
		[ 'off', _('nothing') ],
		[ 'cautious', _('cautiously: 2 of 1,000 long harmless sessions') ],
		[ 'balanced', _('in between: 20 of 1,000') ],
		[ 'eager', _('eagerly: 80 of 1,000') ]
	]);
	options.file('model', _('Model file'), _('As "minewall train" writes it; without, the one built in.'), '');
}

function probe(options) {
	options.tab('probe', _('Probe'), _('The server of a suspect is asked whether it is a pool, in a connection of the router of its own.'));
	options.flag('probe', _('Ask servers'), _('Whether servers that the traffic of a host makes suspect are asked if they are pools.'), '1');
	options.flag('probe_dry_run', _('Dry run'), _('Only say in the log which servers would be asked.'), '0');
	options.choice('probe_inconclusive', _('No clear answer'), _('What a suspect is whose server does not say.'), 'alert', [
		[ 'alert', _('reported') ],
		[ 'block', _('cut off') ]
	]);
	options.number('probes_per_hour', _('Servers asked'), _('What is more waits.'), 60, 1, 3600, _('probes/hour'));
	options.number('probes_per_block', _('Of them, in one network'), _('A network is a /24, or a /48 of IPv6.'), 6, 1, 3600, _('probes/hour'));
	options.number('probe_pool_hours', _('A pool stays one for'), _('How long a server that has proved to be a pool is taken for one.'), 168, 1, 8760, _('hours'));
	options.number('probe_not_pool_hours', _('Another server is clear for'), _('How long one that has proved to be something else is no suspect.'), 24, 1, 8760, _('hours'));
	options.number('probe_inconclusive_minutes', _('Ask again after'), _('After how long one that did not say is asked again.'), 60, 1, 10080, _('minutes'));
	options.file('probe_cache', _('Memory of answers'), _('What probes have found, kept across restarts; written rarely.'), '/etc/minewall/probes');
}

function known(options) {
	options.tab('known', _('Known pools'), _('Connections to servers that are known to be pools, from lists or by proof, are cut off before they say a word.'));
	options.flag('intel', _('Lists and names'), _('Whether lists of known pools, and answers of name servers, have any say.'), '1');
	options.choice('intel_builtin', _('List built in'), _('Blocking is for hosts that are only there for mining, at other ports than the web\'s; the rest are suspects.'), 'block', [
		[ 'off', _('not used') ],
		[ 'suspect', _('makes suspects') ],
		[ 'block', _('blocks') ]
	]);
	options.choice('intel_shared', _('Shared addresses'), _('What a listed address is worth that other sites have, too (CDN, shared host): a suspect is asked, blocking cuts off the others with it.'), 'suspect', [
		[ 'suspect', _('make suspects') ],
		[ 'block', _('are blocked') ]
	]);
	options.list('intel_lists', _('Folders of lists'), _('The name of a file ends in what its entries are worth: .block, .suspect, .allow. Names, addresses, prefixes, host:port; hosts, adblock and dnsmasq files, too. If none is given: /etc/minewall/lists and /var/lib/minewall/feeds.'), isPath);
	options.number('intel_memory', _('Memory for lists'), _('All together, about 30 bytes an entry; three times as much for a moment while they are read. A list that does not fit is refused.'), 2048, 64, 65536, _('KiB'));
	options.number('learn_hours', _('What is learnt holds for'), _('How long a server that has proved to be a pool, here or to another router, is blocked from the first packet on; 0 learns nothing.'), 168, 0, 8760, _('hours'));
	options.file('learn_file', _('Memory of pools'), _('What was learnt, kept across restarts; written rarely.'), '/etc/minewall/learned');
	options.flag('kernel_block', _('Refusal by the kernel'), _('Whether the kernel itself refuses connections to such servers.'), '1');
	feeds(options);
}

/* Sections of their own, which minewall-update-lists reads. */
function feeds(options) {
	const { subsection } = options.section.taboption(options.name, form.SectionValue, '_feeds', form.TypedSection, 'feed', _('Lists from elsewhere'),
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

function reports(options) {
	options.tab('reports', _('Reports'));
	options.choice('log_level', _('System log'), _('How much the daemon tells the system log.'), 'info', [
		[ 'error', _('errors') ], [ 'warn', _('and warnings') ], [ 'info', _('and what happens') ], [ 'debug', _('and details') ], [ 'trace', _('everything') ]
	]);
	options.file('event_log', _('Event log'), _('Detections as JSON lines. /var/log is memory on OpenWrt; on flash every event wears it.'), '/var/log/minewall/events.jsonl');
	options.number('event_log_size', _('Size of the event log'), _('At which it is rotated; 0 writes none.'), 128, 0, 65536, _('KiB'));
	options.number('event_log_rotations', _('Older event logs'), _('Rotated files that are kept beside it.'), 1, 0, 16, _('files'));
	options.number('host_events', _('Events of one host'), _('What is more is only counted.'), 60, 1, 3600, _('events/hour'));
	options.list('leases_file', _('DHCP leases'), _('Files in the format of dnsmasq, for the names of hosts; /tmp/dhcp.leases if none is given.'), isPath);
}

function notices(options) {
	options.tab('notices', _('Notices'), _('Programs in /etc/minewall/hooks.d are run when something was found: to send a mail, a message, a request.'));
	options.choice('notices', _('Tell of'), _('Which events they are run for.'), 'proven', [
		[ 'off', _('nothing') ],
		[ 'proven', _('proven miners') ],
		[ 'all', _('suspicions, too') ]
	]);
	options.number('notices_per_hour', _('At most'), _('What is more is counted and told with the next.'), 12, 1, 3600, _('notices/hour'));
	options.number('notice_interval', _('Pause'), _('How long they hear nothing more of the same host.'), 60, 0, 10080, _('minutes'));
}

function resources(options) {
	options.tab('resources', _('Resources'), _('For those who know why. The defaults suit a router with 64 MB of memory.'));
	options.number('max_flows', _('Connections followed'), _('At once, 128 bytes of memory each.'), 8192, 256, 524288, _('connections'));
	options.number('flow_idle', _('Idle connections'), _('One without a packet for this long is forgotten.'), 1800, 60, 86400, _('seconds'));
	options.number('budget_packets', _('Packets to look at'), _('Packets with payload after which a fast connection that shows no mining is let go.'), 32, 4, 65535, _('packets'));
	options.number('budget_bytes', _('Bytes to look at'), _('Bytes of payload after which it is let go.'), 65536, 4096, 16777216, _('bytes'));
	options.number('low_rate', _('Slow connections'), _('Those slower than this are not let go: a miner moves 2 to 100 bytes/s.'), 1024, 0, 1048576, _('bytes/s'));
	options.number('queue', _('Netfilter queue'), _('Its number; no other program may have the same.'), 1330, 0, 65535);
	options.number('queue_length', _('Length of the queue'), _('Packets that may wait in it; what is more passes unseen.'), 1024, 16, 65536, _('packets'));
	options.number('copy_range', _('Bytes of a packet'), _('Bytes of each packet that are looked at.'), 1600, 128, 65531, _('bytes'));
	options.number('mark_bit', _('Mark bit'), _('Lowest of the three bits of the packet and conntrack mark that hold the verdict; move them where mwan3, pbr or another program uses the same.'), 24, 0, 28);
	options.file('control_socket', _('Control socket'), _('Unix socket that "minewall status" and this page ask.'), '/var/run/minewall/control.sock');
}

return view.extend({
	load() {
		return L.resolveDefault(api.status(), {});
	},

	async render(status) {
		const box = E('div', { 'class': 'mw-problems' });
		const draw = ({ problems: all }) => dom.content(box, problems.render((all || []).filter(({ code }) => code.startsWith('config'))));
		const map = new form.Map('minewall', _('Minewall'), _('The firewall against cryptomining: what it watches, blocks and reports.'));
		const options = new Options(map.section(form.NamedSection, SECTION, 'minewall'));

		for (const part of [ general, encrypted, probe, known, reports, notices, resources ])
			part(options);

		draw(status);
		/* What the daemon makes of settings that were applied comes seconds later. */
		poll.add(() => L.resolveDefault(api.status(), {}).then(draw));

		return E([], [ widgets.stylesheet(), box, await map.render() ]);
	}
});
