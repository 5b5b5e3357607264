import { Controller } from '@nestjs/common';
import { routes } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { Documents } from './documents.ts';
import { Monitor } from './monitor.ts';

/** What needs no token: documents for people and programs, and signs of life for probes. */
@Controller()
export class ServiceController {
  constructor(
    private readonly documents: Documents,
    private readonly monitor: Monitor,
  ) {}

  @Handles(routes.landing)
  async landing({ headers }: Given<typeof routes.landing>) {
    return this.documents.landing(headers.accept);
  }

  @Handles(routes.agentGuide)
  async guide() {
    return this.documents.guide();
  }

  @Handles(routes.openApi)
  async contract() {
    return this.documents.contract();
  }

  @Handles(routes.livez)
  async livez() {
    return { ok: true as const };
  }

  @Handles(routes.readyz)
  async readyz() {
    return this.monitor.readiness();
  }

  @Handles(routes.metrics)
  async metrics() {
    return this.monitor.metrics();
  }
}
