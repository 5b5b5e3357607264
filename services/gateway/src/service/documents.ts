/** What kgpu says about itself: the landing page, the guide for agents, the contract. Made once, sent as they are. */
import { openApi, type Config } from '@kgpu/contracts';
import { preferred } from '../http/accept.ts';
import { Result } from '../http/result.ts';
import { agentGuide } from './agent-guide.ts';
import { landingPage, landingPolicy } from './landing-page.ts';

export class Documents {
  #made: { guide: Result; page: Result; contract: Result } | null = null;

  /** `base`: where people reach this server; it is asked for when the first document is. */
  constructor(private readonly base: () => string, private readonly config: Config) {}

  /** The landing page for browsers, the guide for those who would rather have Markdown. */
  landing(accept: string | undefined): Result {
    return preferred(accept, ['text/html', 'text/markdown']) === 'text/markdown' ? this.#all.guide : this.#all.page;
  }

  guide(): Result {
    return this.#all.guide;
  }

  contract(): Result {
    return this.#all.contract;
  }

  get #all() {
    const base = this.base();
    return (this.#made ??= {
      guide: document('text/markdown; charset=utf-8', agentGuide({ base, config: this.config }), { vary: 'accept' }),
      page: document('text/html; charset=utf-8', landingPage(base), { vary: 'accept', 'content-security-policy': landingPolicy, 'referrer-policy': 'no-referrer' }),
      contract: document('application/json; charset=utf-8', JSON.stringify(openApi(base))),
    });
  }
}

function document(type: string, text: string, headers: Record<string, string> = {}): Result {
  return new Result(text, 200, { 'content-type': type, 'x-content-type-options': 'nosniff', ...headers });
}
