import { request, type Agent } from 'node:http';

/** One request; its body as text. Rejects for any status but 2xx. */
export function once(url: string, headers: Record<string, string>, method = 'GET', body?: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, ...(agent === undefined ? {} : { agent }) }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => (response.statusCode! < 300 ? resolve(text) : reject(new Error(`${response.statusCode} ${text}`))));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
