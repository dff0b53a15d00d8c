'use strict';
'require baseclass';
'require rpc';

/* Model of LuCI's uci: values as the router has them, changes kept until save(). */

const calls = {
	get: rpc.declare({ object: 'uci', method: 'get', params: [ 'config' ], expect: { values: {} }, reject: true }),
	set: rpc.declare({ object: 'uci', method: 'set', params: [ 'config', 'section', 'values' ], reject: true }),
	remove: rpc.declare({ object: 'uci', method: 'delete', params: [ 'config', 'section', 'options' ], reject: true }),
	add: rpc.declare({ object: 'uci', method: 'add', params: [ 'config', 'type', 'name' ], reject: true }),
	drop: rpc.declare({ object: 'uci', method: 'delete', params: [ 'config', 'section' ], reject: true }),
	apply: rpc.declare({ object: 'uci', method: 'apply', params: [ 'timeout', 'rollback' ], reject: true }),
	confirm: rpc.declare({ object: 'uci', method: 'confirm', reject: true })
};

return baseclass.extend({
	__init__() {
		this.values = {};
		this.changes = {};
		this.sectioning = {};
	},

	load(config) {
		return calls.get(config).then((values) => {
			this.values[config] = values;
			this.changes[config] = {};
			this.sectioning[config] = [];
		});
	},

	sections(config, type) {
		return Object.values(this.values[config] || {}).filter((section) => !type || section['.type'] === type);
	},

	add(config, type, name) {
		this.values[config][name] = { '.type': type, '.name': name };
		this.sectioning[config].push(() => calls.add(config, type, name));
		return name;
	},

	remove(config, section) {
		delete this.values[config][section];
		delete this.changes[config][section];
		this.sectioning[config].push(() => calls.drop(config, section));
	},

	get(config, section, option) {
		const changed = this.changes[config]?.[section];

		if (changed && option in changed)
			return changed[option];
		return this.values[config]?.[section]?.[option] ?? null;
	},

	set(config, section, option, value) {
		((this.changes[config] ??= {})[section] ??= {})[option] = value;
	},

	unset(config, section, option) {
		this.set(config, section, option, null);
	},

	async save() {
		for (const [ config, sections ] of Object.entries(this.changes)) {
			for (const call of this.sectioning[config])
				await call();
			for (const [ section, options ] of Object.entries(sections)) {
				const set = Object.entries(options).filter(([ , value ]) => value != null);
				const removed = Object.keys(options).filter((option) => options[option] == null);

				if (set.length)
					await calls.set(config, section, Object.fromEntries(set));
				if (removed.length)
					await calls.remove(config, section, removed);
			}
			await this.load(config);
		}
	},

	apply() {
		return calls.apply(10, true).then(() => calls.confirm());
	}
});
