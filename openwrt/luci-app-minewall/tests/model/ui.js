'use strict';
'require baseclass';
'require dom';
'require uci';

/* Model of LuCI's ui: handlers that lock their button, notifications, dialogs, and the list of changes. */

return baseclass.extend({
	changes: {
		apply: () => uci.apply()
	},

	createHandlerFn(self, call, ...args) {
		if (typeof call === 'string')
			call = self[call];

		return (event, ...rest) => {
			const button = event.currentTarget;

			if (button.disabled)
				return;
			button.classList.add('spinning');
			button.disabled = true;
			button.blur();
			return Promise.resolve(call.apply(self, [ ...args, event, ...rest ])).finally(() => {
				button.classList.remove('spinning');
				button.disabled = false;
			});
		};
	},

	addNotification(title, children, ...kinds) {
		const text = E('div', { 'style': 'flex:10' });
		const box = E('div', { 'class': [ 'alert-message', ...kinds ].join(' '), 'style': 'display:flex' }, [
			text,
			E('div', { 'style': 'flex:1 1 auto; display:flex' }, [
				E('button', { 'class': 'btn', 'style': 'margin:auto 0 auto auto', 'click': () => box.remove() }, [ _('Dismiss') ])
			])
		]);
		const main = document.getElementById('maincontent');

		if (title != null)
			dom.append(text, E('h4', {}, title));
		dom.append(text, children);
		main.insertBefore(box, main.firstElementChild);
		return box;
	},

	showModal(title, children) {
		const dialog = document.querySelector('#modal_overlay > .modal');

		dom.content(dialog, E('h4', {}, title));
		dom.append(dialog, children);
		document.body.classList.add('modal-overlay-active');
		return dialog;
	},

	hideModal() {
		document.body.classList.remove('modal-overlay-active');
		dom.content(document.querySelector('#modal_overlay > .modal'), []);
	}
});
