/*
 * A thin model of LuCI's client: as much of it as our pages use, with the same semantics. Above all the
 * one that matters for what came off the wire: a child that is a string is parsed as HTML, a string
 * inside an array is text.
 */
(function() {
	'use strict';

	const LINE = Object.freeze({ '&': '&#38;', '<': '&#60;', '>': '&#62;', '"': '&#34;', "'": '&#39;' });

	function escaped(value) {
		return String(value).replace(/[&<>"']/g, (character) => LINE[character]);
	}

	/* 93784 as '1d 2h 3m 4s'. */
	function duration(seconds) {
		const parts = [ [ 86400, 'd' ], [ 3600, 'h' ], [ 60, 'm' ], [ 1, 's' ] ];
		let rest = Math.floor(seconds), text = [];

		for (const [ size, unit ] of parts) {
			if (rest >= size || text.length || unit === 's')
				text.push(Math.floor(rest / size) + unit);
			rest %= size;
		}
		return text.join(' ');
	}

	String.prototype.format = function(...args) {
		let next = 0;

		return this.replace(/%(%|(?:(\d+)\$)?(?:\.(\d+))?([sdfhqt]))/g, (_all, whole, position, digits, kind) => {
			if (whole === '%')
				return '%';

			const value = position ? args[position - 1] : args[next++];

			switch (kind) {
			case 'd': return String(Math.trunc(value));
			case 'f': return Number(value).toFixed(digits ?? 6);
			case 'h': case 'q': return escaped(value);
			case 't': return duration(value);
			default: return value == null ? '' : String(value);
			}
		});
	};

	window._ = (text) => window.TR?.[text] || text;
	window.N_ = (count, one, many) => window.TR?.[count === 1 ? one : many] || (count === 1 ? one : many);

	/* Classes: extend() makes one, required modules are instances. */
	class Base {
		constructor(...args) {
			this.__init__?.(...args);
		}

		static extend(properties) {
			const Child = class extends this {};

			Object.assign(Child.prototype, properties);
			return Child;
		}

		super(name, args) {
			let prototype = Object.getPrototypeOf(this);

			while (!Object.hasOwn(prototype, name))
				prototype = Object.getPrototypeOf(prototype);
			return Object.getPrototypeOf(prototype)[name].apply(this, args || []);
		}
	}

	const dom = {
		elem(value) {
			return value != null && typeof value === 'object' && 'nodeType' in value;
		},

		append(node, children) {
			if (Array.isArray(children)) {
				for (const child of children)
					if (dom.elem(child))
						node.appendChild(child);
					else if (child != null)
						node.appendChild(document.createTextNode(child));
			}
			else if (typeof children === 'function')
				dom.append(node, children(node));
			else if (dom.elem(children))
				node.appendChild(children);
			else if (children != null) {
				/* For tests: nothing that came off the wire may be among these. */
				L.parsed.push(String(children));
				node.innerHTML = String(children);
			}

			return node.lastChild;
		},

		content(node, children) {
			node.replaceChildren();
			return dom.append(node, children);
		},

		attr(node, attributes) {
			for (const [ key, value ] of Object.entries(attributes || {}))
				if (value == null)
					continue;
				else if (typeof value === 'function')
					node.addEventListener(key, value);
				else
					node.setAttribute(key, typeof value === 'object' ? JSON.stringify(value) : value);
		},

		parse(html) {
			return new DOMParser().parseFromString(html, 'text/html').body.firstChild;
		},

		create(html, attributes, children) {
			if (!(attributes instanceof Object) || Array.isArray(attributes) || dom.elem(attributes)) {
				children = attributes;
				attributes = null;
			}

			let node;

			if (Array.isArray(html)) {
				node = document.createDocumentFragment();
				html.forEach((child) => node.appendChild(dom.create(child)));
			}
			else if (dom.elem(html))
				node = html;
			else
				node = html.startsWith('<') ? dom.parse(html) : document.createElement(html);

			dom.attr(node, attributes);
			dom.append(node, children);
			return node;
		},

		bindClassInstance(node, instance) {
			node._class = instance;
		},

		callClassMethod(node, method, ...args) {
			return node._class?.[method]?.(...args);
		}
	};

	window.E = dom.create;

	const poll = {
		queue: [],
		tick: 0,

		add(call, interval) {
			if (typeof call !== 'function')
				throw new TypeError('Invalid argument to LuCI.poll.add()');
			poll.queue.push({ call, interval: interval || L.env.pollinterval, ready: true });
			if (!poll.active())
				poll.start();
			return true;
		},

		start() {
			if (poll.active())
				return false;
			poll.tick = 0;
			poll.timer = window.setInterval(poll.step, 1000);
			poll.step();
			return true;
		},

		stop() {
			window.clearInterval(poll.timer);
			delete poll.timer;
			return true;
		},

		active() {
			return poll.timer != null;
		},

		step() {
			for (const entry of poll.queue) {
				if (poll.tick % entry.interval !== 0 || !entry.ready)
					continue;
				entry.ready = false;
				Promise.resolve(entry.call()).finally(() => { entry.ready = true; });
			}
			poll.tick += 1;
		}
	};

	const View = Base.extend({
		__init__() {
			const place = document.getElementById('view');

			dom.content(place, E('div', { 'class': 'spinning' }, [ _('Loading view…') ]));
			Promise.resolve(this.load())
				.then((data) => this.render(data))
				.then((nodes) => {
					dom.content(place, nodes);
					dom.append(place, this.addFooter());
					document.body.setAttribute('data-ready', '');
				})
				.catch(L.error);
		},

		load() {},
		render() {},

		handleSave() {
			return Promise.all(Array.from(document.querySelectorAll('#maincontent .cbi-map'),
				(map) => dom.callClassMethod(map, 'save')));
		},

		handleSaveApply(event) {
			return this.handleSave(event).then(() => L.ui.changes.apply(true));
		},

		handleReset() {
			return Promise.all(Array.from(document.querySelectorAll('#maincontent .cbi-map'),
				(map) => dom.callClassMethod(map, 'reset')));
		},

		addFooter() {
			const readonly = L.hasViewPermission() === false ? '' : null;
			const button = (name, kind, title) => this[name] ? E('button', {
				'class': 'cbi-button cbi-button-%s'.format(kind),
				'disabled': readonly,
				'click': L.ui.createHandlerFn(this, name)
			}, [ title ]) : null;
			const buttons = [
				button('handleSaveApply', 'apply', _('Save & Apply')), ' ',
				button('handleSave', 'save', _('Save')), ' ',
				button('handleReset', 'reset', _('Reset'))
			];

			return buttons.some((item) => dom.elem(item)) ? E('div', { 'class': 'cbi-page-actions' }, buttons) : E([]);
		}
	});

	const classes = { baseclass: Base, view: View, dom, poll };

	/* 'require a.b as c' at the head of a file: instances in the order of the function's arguments. */
	async function load(name) {
		const reply = await fetch('%s/%s.js'.format(L.env.resource, name.replaceAll('.', '/')));

		if (!reply.ok)
			throw new Error('HTTP error %d while loading class file "%s"'.format(reply.status, name));

		const source = await reply.text(), names = [], instances = [];
		const head = /^(?:\s|\/\*[^]*?\*\/|\/\/.*)*(['"])(use strict|require[ \t]+(\S+?)(?:[ \t]+as[ \t]+(\w+))?)\1;?/;

		for (let rest = source, match; (match = head.exec(rest)); rest = rest.slice(match[0].length)) {
			if (!match[3])
				continue;
			names.push(match[4] || match[3].replace(/\W/g, '_'));
			instances.push(await L.require(match[3]));
		}

		const factory = new Function('window', 'document', 'L', ...names, '%s\n//# sourceURL=%s.js'.format('', name)
			.replace(/^/, () => source));
		const Class = factory.call(factory, window, document, L, ...instances);

		if (!(Class?.prototype instanceof Base))
			throw new TypeError('"%s" factory yields invalid constructor'.format(name));
		return new Class();
	}

	window.L = {
		env: {},
		parsed: [],
		dom,
		Poll: poll,

		require(name) {
			return Promise.resolve(classes[name] ??= load(name));
		},

		error(error) {
			console.error(error.stack || error);
			dom.content(document.getElementById('view'), E('pre', { 'class': 'alert-message error' }, [ String(error) ]));
			document.body.setAttribute('data-ready', '');
		},

		bind: (call, self, ...args) => call.bind(self, ...args),
		isObject: (value) => value != null && typeof value === 'object',
		resolveDefault: (value, fallback) => Promise.resolve(value).catch(() => fallback),

		toArray(value) {
			if (value == null || value === '')
				return [];
			if (Array.isArray(value))
				return value;
			return typeof value === 'object' ? [ value ] : String(value).trim().split(/\s+/);
		},

		path: (prefix, parts) => [ prefix, ...parts ].join('/'),
		url: (...parts) => L.path(L.env.scriptname, parts),
		resource: (...parts) => L.path(L.env.resource, parts),
		hasViewPermission: () => L.env.nodespec ? !L.env.nodespec.readonly : null
	};
})();
