'use strict';
'require baseclass';

/* Model of LuCI's rpc: JSON-RPC to the ubus gateway. Codes other than 0 reject only where `reject` asks for it. */

let number = 1;

function reply(options, message) {
	if (message.error)
		throw new Error('RPC call to %s/%s failed with error %d: %s'.format(
			options.object, options.method, message.error.code, message.error.message));

	const [ code, data ] = message.result;

	if (options.reject && code !== 0)
		throw new Error('RPC call to %s/%s failed with ubus code %d'.format(options.object, options.method, code));

	let value = message.result.length > 1 ? data : code;

	for (const [ key, fallback ] of Object.entries(options.expect || {})) {
		if (key !== '' && value != null)
			value = value[key];
		if (Object.prototype.toString.call(value) !== Object.prototype.toString.call(fallback))
			value = fallback;
	}
	return value;
}

return baseclass.extend({
	declare(options) {
		return async (...args) => {
			const params = {};

			(options.params || []).forEach((name, index) => { params[name] = args[index]; });

			const answer = await fetch(L.url('admin/ubus'), {
				method: 'POST',
				headers: { 'Content-Type': 'application/json' },
				body: JSON.stringify({
					jsonrpc: '2.0',
					id: number++,
					method: 'call',
					params: [ L.env.sessionid, options.object, options.method, params ]
				})
			});

			if (!answer.ok)
				throw new Error('RPC call to %s/%s failed with HTTP error %d'.format(
					options.object, options.method, answer.status));
			return reply(options, await answer.json());
		};
	}
});
