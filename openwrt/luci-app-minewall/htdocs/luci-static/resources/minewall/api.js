'use strict';
'require baseclass';
'require rpc';

/*
 * What the pages ask of the ubus object `minewall`, and what they make of its answers.
 *
 * Names of hosts, agents and pools come off the wire. LuCI parses a child that is a string as HTML and
 * takes a string inside an array as text: here, every child is in an array.
 */

const callStatus = rpc.declare({ object: 'minewall', method: 'status', reject: true });
const callHosts = rpc.declare({ object: 'minewall', method: 'hosts', reject: true });
const callEvents = rpc.declare({ object: 'minewall', method: 'events', params: [ 'last' ], expect: { events: [] }, reject: true });
const callAllow = rpc.declare({ object: 'minewall', method: 'allow', params: [ 'host', 'remove' ], reject: true });
const callAllowEndpoint = rpc.declare({ object: 'minewall', method: 'allow', params: [ 'endpoint', 'remove' ], reject: true });
const callUnblock = rpc.declare({ object: 'minewall', method: 'unblock', params: [ 'target' ], reject: true });
/* Takes up to 15 seconds: in a batch with others it would hold them up. */
const callProbe = rpc.declare({ object: 'minewall', method: 'probe', params: [ 'server' ], reject: true, nobatch: true });

/* Takes as long. */
const callSelftest = rpc.declare({ object: 'minewall', method: 'selftest', reject: true, nobatch: true });
const callNotifyTest = rpc.declare({ object: 'minewall', method: 'notify_test', params: [ 'name' ], reject: true, nobatch: true });
const callIsolate = rpc.declare({ object: 'minewall', method: 'isolate', params: [ 'host', 'client', 'remove' ], reject: true });
const callSuspend = rpc.declare({ object: 'minewall', method: 'suspend', params: [ 'minutes' ], reject: true, nobatch: true });
const callService = rpc.declare({ object: 'minewall', method: 'service', params: [ 'action' ], reject: true, nobatch: true });
const callLists = rpc.declare({ object: 'minewall', method: 'lists', reject: true });
const callUpdateLists = rpc.declare({ object: 'minewall', method: 'update_lists', params: [ 'name' ], reject: true });
const callTakeList = rpc.declare({ object: 'minewall', method: 'take_list', params: [ 'name', 'remove' ], reject: true });
const callCheck = rpc.declare({ object: 'minewall', method: 'check', params: [ 'target' ], reject: true });

/* A host whose latest detection is older counts as history in the answer at the top, in hours. */
const RECENT_HOURS = 24;

/* What became of a host: exempt now, or the verdict on its latest detection. */
function verdictOf(host) {
	return host.host_allowed || host.server_allowed ? 'allowed' : host.verdict;
}

/* Texts joined by commas, those that are not there left out. */
function list(...texts) {
	return texts.filter((text) => text).join(', ');
}

/* The name of a host as a person knows it. */
function nameOf(host) {
	return host.host || host.client || host.mac || _('unknown host');
}

function isRecent(host, now) {
	const age = now - Date.parse(host.last_time);

	/* A clock that is behind the router's, or a time that can't be read, hides nothing. */
	return !(age > RECENT_HOURS * 3600000);
}

return baseclass.extend({
	status: () => callStatus(),
	/* Each says beside the router's words whether the firewall isolates it. */
	async hosts() {
		const { hosts = [], isolated = [] } = await callHosts();
		const those = new Set(isolated.map((one) => one.toLowerCase()));

		return hosts.map((host) => Object.assign(host, {
			isolated: those.has(String(host.mac).toLowerCase()) || those.has(host.client)
		}));
	},
	events: (last) => callEvents(last),
	allowHost: (host, remove) => callAllow(host, remove),
	allowServer: (server, remove) => callAllowEndpoint(server, remove),
	unblock: (target) => callUnblock(target),
	probe: (server) => callProbe(server),
	selftest: () => callSelftest(),
	notifyTest: (name) => callNotifyTest(name),
	isolate: (host, client, remove) => callIsolate(host, client, remove),
	suspend: (minutes) => callSuspend(minutes),
	service: (action) => callService(action),
	lists: () => callLists(),
	updateLists: (name) => callUpdateLists(name),
	takeList: (name, remove) => callTakeList(name, remove),
	check: (target) => callCheck(target),

	verdictOf,
	nameOf,
	list,

	/* What was mined, as far as is known. */
	whatOf(event) {
		const { coin, agent, dialect, source } = event;

		if (coin || agent)
			return list(coin, agent);
		if (dialect === 'unknown')
			return source === 'intel' ? _('a connection to a known pool') : _('an encrypted session');
		return dialect;
	},

	/* What of a host an exemption should name: the hardware address outlives a lease. */
	identityOf(host) {
		return host.mac || host.client;
	},

	/*
	 * The answer in five seconds: { state, mood, title, answer }. `state` is that of the service, `mood`
	 * is `good`, `warn` or `bad`, the other two are texts, not HTML.
	 */
	answerOf(status, hosts, now) {
		const recent = hosts.filter((host) => isRecent(host, now));
		const those = (verdict) => recent.filter((host) => verdictOf(host) === verdict);
		const blocked = those('blocked'), mining = those('monitored'), suspected = those('suspected'), allowed = those('allowed');
		const said = [];
		let mood = 'good';

		/* One by name, several by number. */
		const say = (who, one, several) => {
			if (who.length)
				said.push(who.length === 1 ? one.format(nameOf(who[0])) : several.format(who.length));
		};

		say(mining, _('%s mines, and is not blocked.'), _('%d hosts mine, and are not blocked.'));
		say(blocked, _('%s tried to mine and was cut off.'), _('%d hosts tried to mine and were cut off.'));
		say(suspected, _('%s is suspected of mining; nothing is proven.'), _('%d hosts are suspected of mining; nothing is proven.'));
		say(allowed, _('%s mined, which you allow.'), _('%d hosts mined, which you allow.'));
		/* Never green while a host has mined in this time, for whatever reason it may. */
		if (said.length)
			mood = 'warn';
		if (mining.length)
			mood = 'bad';
		/* Green promises that all is well. */
		if (mood === 'good' && (status.problems || []).length)
			mood = 'warn';

		if (status.suspended > 0) {
			const minutes = Math.ceil(status.suspended / 60);

			said.unshift(N_(minutes, 'Nothing is watched for %d more minute; then it comes back by itself.',
				'Nothing is watched for %d more minutes; then it comes back by itself.').format(minutes));
			return { state: 'suspended', mood: 'bad', title: _('Suspended'), answer: said.join(' ') };
		}

		if (status.state !== 'protecting' && status.state !== 'monitoring')
			return { state: 'off', mood: 'bad', title: _('Off'), answer: [ _('Nobody is watching: miners would not be noticed.'), ...said ].join(' ') };

		/* Of networks that are not watched nothing is known. */
		const { watched = [] } = status.daemon || {};

		if (!said.length)
			said.push(watched.length ? _('Nobody is mining in the watched networks: %s.').format(watched.join(', ')) : _('Nobody is mining in your network.'));

		if (status.state === 'protecting' && mining.length)
			return { state: 'protecting', mood, title: _('Mining goes on'), answer: said.join(' ') };

		return status.state === 'protecting'
			? { state: 'protecting', mood, title: _('Protected'), answer: said.join(' ') }
			: { state: 'monitoring', mood: mood === 'good' ? 'warn' : mood, title: _('Monitoring'), answer: [ ...said, _('Miners are reported, not blocked.') ].join(' ') };
	},

	/* What a person should do about a problem, or null where its own text says it all. */
	adviceOn(code) {
		switch (code) {
		case 'disabled': return _('Switch it on in the settings.');
		case 'config': return _('Correct the settings. Until then the ones before stay in force.');
		case 'config_warning': return _('Have a look at the settings.');
		case 'not_running': return _('The system log says why: System Log, lines of minewall.');
		case 'rules': return _('If the package kmod-nft-queue is missing, install it; then restart minewall.');
		case 'model': return _('Correct the model file in the settings, or leave it empty for the built-in model.');
		case 'list': return _('Correct the list: "minewall check-list" says what is wrong with it.');
		case 'list_name': return _('Rename the file: its name ends in .block, .suspect or .allow.');
		case 'mark_conflict': return _('Install kmod-ipt-conntrack-label and restart minewall, or move the mark bit, or limit the other program to its own bits.');
		case 'offload': return _('Reload minewall, or turn the flow offload of the other program off.');
		case 'table_full': return _('Raise the number of connections followed if the router has memory to spare.');
		case 'suspended': return _('It comes back by itself.');
		case 'notifier': return _('Correct its settings, and send a test.');
		case 'feed': return _('Look at its address, and fetch it again on the page of lists.');
		case 'kernel_sets': return _('Install nft, or switch the refusal by the kernel off: the daemon blocks known pools by itself.');
		case 'signatures': return _('Correct the file: "minewall signatures check" says what is wrong with it.');
		case 'collector': return _('Start the collector, or correct its address and certificate in the settings; the event log has all events.');
		case 'zone': return _('Correct the zones to watch in the settings, or bring the network up.');
		case 'file': return _('Make room on the disk, or choose another path in the settings.');
		default: return null;
		}
	}
});
