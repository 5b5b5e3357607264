/** What a client of WebDAV can get wrong: headers of its own, and bodies in XML. */
import type { HostileRequest } from './hostile-request.ts';

const deep = '<a>'.repeat(5_000);
const bodies = [
  'x', '{}', '<', '<a>', '<a/>', '<a/><b/>', deep, '<!DOCTYPE a><a/>', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', '<a>&lol;</a>', '<D:a/>', '<a xmlns:b=""/>', '<?xml version="1.1"?><a/>',
  '<?xml version="1.0" encoding="nonsense"?><a/>', `<a ${'b="" '.repeat(5_000)}/>`, `<a>${'x'.repeat(70_000)}</a>`, '<propfind xmlns="DAV:"/>', '<propfind xmlns="DAV:"><prop/></propfind>',
  `<propfind xmlns="DAV:"><prop>${Array.from({ length: 2_000 }, (_, n) => `<p${n}/>`).join('')}</prop></propfind>`, '<propertyupdate xmlns="DAV:"/>', '<propertyupdate xmlns="DAV:"><set><prop><getetag/></prop></set></propertyupdate>',
  `<propertyupdate xmlns="DAV:"><set><prop><a xmlns="${'n'.repeat(1_200)}"/></prop></set></propertyupdate>`, '<lockinfo xmlns="DAV:"/>', '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  Buffer.from([0xff, 0xfe, 0x3c]), Buffer.from([0x3c, 0x61, 0xc3, 0x28, 0x3e]), Buffer.alloc(100_000),
];
const texts = ['', 'x', '-1', '0', '1', 'infinity', 'T', 'F', '<>', '<x>', '(', '()', '(<>)', '(<x>)', '([x])', '(["x"])', '(Not <x>)', `(${'<x>'.repeat(300)})`, '<x> (<y>)', 'http://', 'http://[', '//x/y', '/v1/files/%ff', '/v1/files/..',
  '/v1/files/shared/nolab/x', '/v1/shared/nolab/x', 'https://example.org/x', 'file:///etc/passwd', 'Second-', 'Second-9999999999999999', 'Infinite', 'a'.repeat(9_000)];
const names = ['depth', 'destination', 'if', 'overwrite', 'timeout', 'lock-token'];

export function* hostileWebdav(base: Omit<HostileRequest, 'what'>): Generator<HostileRequest> {
  for (const name of names) yield* texts.map((text) => ({ ...base, what: `${name}: ${text.slice(0, 30)}`, headers: { depth: '0', [name]: text } }));
  yield* bodies.map((body) => ({ ...base, what: `body ${body.toString('utf8').slice(0, 40)}`, body, headers: { depth: '0' } }));
}
