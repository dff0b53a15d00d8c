'use strict';
'require baseclass';
'require rpc';

/* Model of LuCI's fs: files of the router, as the rights of the session allow. */

const calls = {
	read: rpc.declare({ object: 'file', method: 'read', params: [ 'path' ], expect: { data: '' }, reject: true }),
	write: rpc.declare({ object: 'file', method: 'write', params: [ 'path', 'data' ], reject: true })
};

return baseclass.extend({
	read: (path) => calls.read(path),
	write: (path, data) => calls.write(path, data)
});
