'use strict';
'require baseclass';
'require dom';
'require uci';
'require ui';

/*
 * Model of LuCI's form: a map of named sections with tabs, sections by type inside them, and the kinds of options
 * that our page uses. Titles and descriptions are parsed as HTML, values never are.
 */

/* The part of LuCI's datatypes that the page uses; each answers what is wrong, or nothing. */
const types = {
	uinteger: (value) => /^[0-9]+$/.test(value),
	range: (value, low, high) => +value >= +low && +value <= +high,
	and: (value, ...inner) => inner.every((type) => validates(type, value)),
	or: (value, ...inner) => inner.some((type) => validates(type, value)),
	macaddr: (value) => /^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(value),
	ipaddr: (value, nomask) => isAddress(nomask ? value : value.replace(/\/[0-9]{1,3}$/, '')),
	cidr: (value) => /\/[0-9]{1,3}$/.test(value) && isAddress(value.replace(/\/[0-9]{1,3}$/, ''))
};

function isAddress(value) {
	if (!value.includes(':'))
		return /^[0-9]+(\.[0-9]+){3}$/.test(value) && value.split('.').every((part) => +part <= 255);

	try {
		return new URL('http://[%s]'.format(value)).hostname !== '';
	}
	catch (error) {
		return false;
	}
}

/* 'and(uinteger,range(1,5))' as its name and arguments. */
function validates(expression, value) {
	const match = /^(\w+)(?:\((.*)\))?$/.exec(expression), inner = [];
	let depth = 0, part = '';

	for (const character of match[2] || '') {
		depth += (character === '(') - (character === ')');
		if (character === ',' && depth === 0) {
			inner.push(part);
			part = '';
		}
		else
			part += character;
	}
	if (part)
		inner.push(part);
	if (!types[match[1]])
		throw new TypeError('unknown datatype "%s"'.format(match[1]));
	return types[match[1]](value, ...inner);
}

function same(one, other) {
	return JSON.stringify(one) === JSON.stringify(other);
}

const AbstractValue = baseclass.extend({
	__init__(map, section, option, title, description) {
		Object.assign(this, { map, section, option, title, description, rmempty: true, default: null });
	},

	cfgvalue(section_id) {
		return uci.get(this.map.config, section_id, this.option);
	},

	write(section_id, value) {
		uci.set(this.map.config, section_id, this.option, value);
	},

	remove(section_id) {
		uci.unset(this.map.config, section_id, this.option);
	},

	validate() {
		return true;
	},

	/* What is wrong with one value, or null. */
	depends(name, value) {
		(this.dependencies ??= []).push([ name, value ]);
	},

	/* Whether another option has one of the values that this one depends on. */
	isShown(section_id) {
		return !this.dependencies || this.dependencies.some(([ name, value ]) =>
			this.section.options.find(({ option }) => option === name).formvalue(section_id) === value);
	},

	complaint(section_id, value) {
		if (value === '')
			return this.optional || this.rmempty ? null : _('Expecting: non-empty value');
		if (this.datatype && !validates(this.datatype, value))
			return _('Expecting: %s').format(this.datatype);

		const answer = this.validate(section_id, value);

		return answer === true ? null : String(answer);
	},

	parse(section_id) {
		const value = this.formvalue(section_id);
		const values = L.toArray(value).length ? [ value ].flat() : [ '' ];
		const wrong = values.map((one) => this.complaint(section_id, one)).find((text) => text);

		if (wrong)
			throw new TypeError('%s: %s'.format(this.title, wrong));
		if (value == null || value === '' || value.length === 0)
			this.remove(section_id);
		else if (!same(value, this.cfgvalue(section_id)))
			this.write(section_id, value);
	},

	render(section_id) {
		const field = E('div', { 'class': 'cbi-value-field' }, [ this.renderWidget(section_id, this.cfgvalue(section_id)) ]);

		if (this.description)
			dom.append(field, E('div', { 'class': 'cbi-value-description' }, this.description));
		(this.fields ??= {})[section_id] = field;
		return E('div', { 'class': 'cbi-value', 'data-name': this.option }, [
			E('label', { 'class': 'cbi-value-title', 'for': 'widget.%s'.format(this.option) }, this.title), field
		]);
	},

	formvalue(section_id) {
		return this.fields[section_id].querySelector('input, select').value;
	},

	input(section_id, attributes) {
		const input = E('input', Object.assign({
			'id': 'widget.%s'.format(this.option),
			'type': this.password ? 'password' : 'text',
			'class': 'cbi-input-text',
			'disabled': this.map.readonly ? '' : null,
			'placeholder': this.placeholder
		}, attributes));

		input.addEventListener('blur', () => {
			const wrong = this.complaint(section_id, input.value);

			input.classList.toggle('cbi-input-invalid', wrong != null);
			input.setAttribute('data-tooltip', wrong || '');
		});
		return input;
	}
});

const Value = AbstractValue.extend({
	renderWidget(section_id, value) {
		return this.input(section_id, { 'value': value ?? this.default });
	}
});

const Flag = AbstractValue.extend({
	enabled: '1',
	disabled: '0',

	renderWidget(section_id, value) {
		return this.input(section_id, {
			'type': 'checkbox',
			'class': null,
			'checked': (value ?? this.default ?? this.disabled) === this.enabled ? '' : null
		});
	},

	formvalue(section_id) {
		return this.fields[section_id].querySelector('input').checked ? this.enabled : this.disabled;
	},

	parse(section_id) {
		const value = this.formvalue(section_id);

		if (value === (this.default ?? this.disabled) && this.rmempty)
			this.remove(section_id);
		else
			this.write(section_id, value);
	}
});

const ListValue = AbstractValue.extend({
	__init__(...args) {
		this.super('__init__', args);
		this.choices = [];
	},

	value(key, title) {
		this.choices.push([ key, title ]);
	},

	renderWidget(section_id, value) {
		return E('select', { 'id': 'widget.%s'.format(this.option), 'disabled': this.map.readonly ? '' : null },
			this.choices.map(([ key, title ]) => E('option', {
				'value': key,
				'selected': key === (value ?? this.default) ? '' : null
			}, [ title ])));
	}
});

const DynamicList = AbstractValue.extend({
	renderWidget(section_id, value) {
		const input = this.input(section_id, { 'id': null });
		const item = (text) => {
			const node = E('div', { 'class': 'item', 'tabindex': 0, 'click': () => node.remove() }, [ E('span', {}, [ text ]) ]);
			return node;
		};
		const add = () => {
			if (input.value === '' || this.complaint(section_id, input.value))
				return input.dispatchEvent(new Event('blur'));
			list.insertBefore(item(input.value), list.lastChild);
			input.value = '';
		};
		const list = E('div', { 'class': 'cbi-dynlist', 'id': 'widget.%s'.format(this.option) }, [
			...L.toArray(value ?? this.default).map(item),
			E('div', { 'class': 'add-item' }, [
				input, E('button', { 'class': 'btn cbi-button cbi-button-add', 'click': add }, [ '+' ])
			])
		]);

		return list;
	},

	formvalue(section_id) {
		return Array.from(this.fields[section_id].querySelectorAll('.item'), (node) => node.innerText.trim());
	}
});

const NamedSection = baseclass.extend({
	__init__(map, section, type, title, description) {
		Object.assign(this, { map, section, type, title, description, tabs: [], options: [] });
	},

	tab(name, title, description) {
		this.tabs.push({ name, title, description });
	},

	taboption(tab, Kind, ...args) {
		const option = new Kind(this.map, this, ...args);

		if (!this.tabs.some(({ name }) => name === tab))
			throw new ReferenceError('tab "%s" not declared'.format(tab));
		option.tab = tab;
		this.options.push(option);
		return option;
	},

	parse() {
		this.options.forEach((option) => option.parse(this.section));
	},

	render() {
		const panes = this.tabs.map((tab) => E('div', { 'class': 'cbi-section-node', 'data-tab': tab.name }, [
			tab.description ? E('div', { 'class': 'cbi-tab-descr' }, tab.description) : null,
			...this.options.filter((option) => option.tab === tab.name).map((option) => option.render(this.section))
		]));
		const show = (name) => {
			this.shown = name;
			panes.forEach((pane) => { pane.style.display = pane.getAttribute('data-tab') === name ? '' : 'none'; });
			menu.childNodes.forEach((node) => {
				node.className = node.getAttribute('data-tab') === name ? 'cbi-tab' : 'cbi-tab-disabled';
			});
		};
		const menu = E('ul', { 'class': 'cbi-tabmenu' }, this.tabs.map((tab) =>
			E('li', { 'data-tab': tab.name }, [
				E('a', { 'href': '#', 'click': (event) => { event.preventDefault(); show(tab.name); } }, [ tab.title ])
			])));

		show(this.shown || this.tabs[0].name);
		return E('div', { 'class': 'cbi-section' }, [
			this.title ? E('h3', {}, this.title) : null,
			this.description ? E('div', { 'class': 'cbi-section-descr' }, this.description) : null,
			menu, ...panes
		]);
	}
});

/* A box for each section of a type, which can be added and removed by name. */
const TypedSection = baseclass.extend({
	__init__(map, type, title, description) {
		Object.assign(this, { map, type, title, description, options: [] });
	},

	option(Kind, ...args) {
		const option = new Kind(this.map, this, ...args);

		this.options.push(option);
		return option;
	},

	names() {
		return uci.sections(this.map.config, this.type).map((section) => section['.name']);
	},

	parse() {
		this.names().forEach((name) => this.options.forEach((option) => option.isShown(name) ? option.parse(name) : option.remove(name)));
	},

	/* The options of a section; those that depend on another come and go with its value. */
	rows(section) {
		const rows = this.options.map((option) => [ option, option.render(section) ]);
		const show = () => rows.forEach(([ option, row ]) => { row.style.display = option.isShown(section) ? '' : 'none'; });

		rows.forEach(([ , row ]) => row.addEventListener('change', show));
		show();
		return rows.map(([ , row ]) => row);
	},

	render() {
		const name = E('input', { 'class': 'cbi-section-create-name', 'type': 'text', 'disabled': this.map.readonly ? '' : null });
		const change = (call) => {
			this.map.sections.forEach((section) => section.parse());
			call();
			this.map.draw();
		};

		return E('div', { 'class': 'cbi-section', 'data-type': this.type }, [
			this.title ? E('h3', {}, this.title) : null,
			this.description ? E('div', { 'class': 'cbi-section-descr' }, this.description) : null,
			...this.names().map((section) => E('div', { 'class': 'cbi-section-node', 'data-section': section }, [
				E('div', { 'class': 'cbi-section-remove right' }, [ E('button', {
					'class': 'cbi-button', 'disabled': this.map.readonly ? '' : null,
					'click': () => change(() => uci.remove(this.map.config, section))
				}, [ _('Delete') ]) ]),
				E('h3', {}, [ section ]),
				...this.rows(section)
			])),
			E('div', { 'class': 'cbi-section-create' }, [ name, E('button', {
				'class': 'cbi-button cbi-button-add', 'disabled': this.map.readonly ? '' : null,
				'click': () => /^\w+$/.test(name.value) && change(() => uci.add(this.map.config, this.type, name.value))
			}, [ _('Add') ]) ])
		]);
	}
});

const Button = AbstractValue.extend({
	renderWidget(section_id) {
		return E('button', {
			'class': 'cbi-button',
			'disabled': this.map.readonly ? '' : null,
			'click': ui.createHandlerFn(this, (event) => this.onclick(event, section_id))
		}, [ this.inputtitle || this.title ]);
	},

	parse() {},

	remove() {}
});

/* A section inside a tab of another. */
const SectionValue = AbstractValue.extend({
	__init__(map, section, option, Kind, ...args) {
		Object.assign(this, { map, section, option, subsection: new Kind(map, ...args) });
	},

	render() {
		return this.subsection.render();
	},

	parse() {
		this.subsection.parse();
	}
});

const Map = baseclass.extend({
	__init__(config, title, description) {
		Object.assign(this, { config, title, description, sections: [] });
		this.readonly = L.hasViewPermission() === false;
	},

	section(Kind, ...args) {
		const section = new Kind(this, ...args);

		this.sections.push(section);
		return section;
	},

	draw() {
		dom.content(this.root, [
			this.title ? E('h2', { 'name': 'content' }, this.title) : null,
			this.description ? E('div', { 'class': 'cbi-map-descr' }, this.description) : null,
			...this.sections.map((section) => section.render())
		]);
		return this.root;
	},

	render() {
		this.root = E('div', { 'class': 'cbi-map' });
		dom.bindClassInstance(this.root, this);
		return uci.load(this.config).then(() => this.draw());
	},

	async save() {
		try {
			this.sections.forEach((section) => section.parse());
			await uci.save();
		}
		catch (error) {
			ui.showModal(_('Save error'), [
				E('p', {}, [ _('An error occurred while saving the form:') ]),
				E('p', {}, [ E('em', {}, [ error.message ]) ]),
				E('div', { 'class': 'right' }, [ E('button', { 'class': 'cbi-button', 'click': ui.hideModal }, [ _('Dismiss') ]) ])
			]);
			throw error;
		}
		this.draw();
	},

	reset() {
		return uci.load(this.config).then(() => this.draw());
	}
});

return baseclass.extend({ Map, NamedSection, TypedSection, SectionValue, AbstractValue, Value, Flag, ListValue, DynamicList, Button });
