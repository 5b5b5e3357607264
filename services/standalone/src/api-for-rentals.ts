/** Where rentals reach the API when no setting says so: this machine, as it is seen from their network. */
import { hasOwnNetwork, type Compute } from '@kgpu/compute';
import type { RunningGateway } from '@kgpu/gateway';

const everyAddress = ['0.0.0.0', '::'];
const loopback = /^(127\.|localhost$|::1$)/;

/**
 * The URL for rentals, null when they have no way to it. Where they have a network of their own and the API listens on
 * loopback only (`host`), the API is opened to that network and to no other. May be asked again: networks come and go.
 */
export async function apiForRentals(host: string, gateway: Pick<RunningGateway, 'url' | 'openSideDoor'>, compute: Compute): Promise<string | null> {
  const here = everyAddress.includes(host) || loopback.test(host);
  if (!here || !hasOwnNetwork(compute)) return gateway.url;
  const way = await compute.wayToMachine();
  if (way === null) return null;
  const open = way.listen === null || everyAddress.includes(host) || (await gateway.openSideDoor(way.listen));
  return open ? `http://${way.host}:${new URL(gateway.url).port}` : null;
}
