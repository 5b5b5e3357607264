import type { DeadProperty } from '@kgpu/contracts';
import { elementsOf, invalidXml, isDav, type XmlElement } from '../xml/read-xml.ts';
import { writeElement } from '../xml/write-xml.ts';
import { keyOf, type PropertyName } from './propfind-request.ts';

export interface PropertyChanges {
  /** Every property that is named, each once, in order. */
  named: PropertyName[];
  set: DeadProperty[];
  remove: string[];
}

/** What is in effect around an element: it stays with the values that are taken out of it. */
interface Around {
  declares: Record<string, string>;
  language: XmlElement['attributes'];
}

/** Instructions count in the order of the document: of two on one property the last stays. @throws Problem `invalid_xml` */
export function parseProppatch(body: XmlElement | null): PropertyChanges {
  if (body === null || !isDav(body, 'propertyupdate')) throw invalidXml('It must be a DAV: propertyupdate.');
  const changes = new Map<string, { name: PropertyName; value: string | null }>();
  for (const step of elementsOf(body)) {
    const sets = isDav(step, 'set');
    if (!sets && !isDav(step, 'remove')) continue;
    for (const prop of elementsOf(step).filter((element) => isDav(element, 'prop'))) {
      const around = [body, step, prop].reduce(into, { declares: {}, language: [] });
      for (const element of elementsOf(prop)) {
        const name = { namespace: element.namespace, local: element.local };
        changes.set(keyOf(name), { name, value: sets ? valueOf(element, around) : null });
      }
    }
  }
  if (changes.size === 0) throw invalidXml('A propertyupdate sets or removes a property.');
  const all = [...changes];
  return {
    named: all.map(([, { name }]) => name),
    set: all.flatMap(([name, { value }]) => (value === null ? [] : [{ name, value }])),
    remove: all.flatMap(([name, { value }]) => (value === null ? [name] : [])),
  };
}

function into({ declares, language }: Around, element: XmlElement): Around {
  const own = languageOf(element);
  return { declares: { ...declares, ...element.declares }, language: own.length > 0 ? own : language };
}

function valueOf(element: XmlElement, { declares, language }: Around): string {
  const attributes = languageOf(element).length > 0 ? element.attributes : [...element.attributes, ...language];
  return writeElement({ ...element, attributes }, declares);
}

function languageOf({ attributes }: XmlElement): XmlElement['attributes'] {
  return attributes.filter(({ prefix, local }) => prefix === 'xml' && local === 'lang');
}
