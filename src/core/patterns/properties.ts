/** What the Unicode properties of `\p{…}` cover of ASCII; a name that is not known here is refused. */

import { charsOf, DIGIT, EVERYTHING, LETTER, LOWER, NOTHING, span, UPPER } from './charset.ts'
import type { CharSet } from './charset.ts'

const CONTROL = span(0, 31) | span(127, 127)
const OPEN = charsOf('([{')
const CLOSE = charsOf(')]}')
const OTHER_PUNCTUATION = charsOf('!"#%&\'*,./:;?@\\')
const PUNCTUATION = OPEN | CLOSE | OTHER_PUNCTUATION | charsOf('-_')
const MATH = charsOf('+<=>|~')
const MODIFIER = charsOf('^`')
const SYMBOL = MATH | MODIFIER | charsOf('$')

/** General categories that both flavours know. */
const CATEGORIES: ReadonlyMap<string, CharSet> = new Map([
  ['L', LETTER],
  ['Lu', UPPER],
  ['Ll', LOWER],
  ['N', DIGIT],
  ['Nd', DIGIT],
  ['P', PUNCTUATION],
  ['Pc', charsOf('_')],
  ['Pd', charsOf('-')],
  ['Ps', OPEN],
  ['Pe', CLOSE],
  ['Po', OTHER_PUNCTUATION],
  ['S', SYMBOL],
  ['Sm', MATH],
  ['Sc', charsOf('$')],
  ['Sk', MODIFIER],
  ['Z', charsOf(' ')],
  ['Zs', charsOf(' ')],
  ['C', CONTROL],
  ['Cc', CONTROL],
  ...'Lt Lm Lo M Mn Mc Me Nl No Pi Pf So Zl Zp Cf Co Cs'
    .split(' ')
    .map((name): readonly [string, CharSet] => [name, NOTHING]),
])

/** Blocks of .NET that hold nothing of ASCII: the ones that people write. */
const BLOCKS = new Set(
  `IsLatin-1Supplement IsLatinExtended-A IsLatinExtended-B IsIPAExtensions IsSpacingModifierLetters IsGreek
  IsGreekandCoptic IsCombiningDiacriticalMarks IsCyrillic IsCyrillicSupplement IsArmenian IsHebrew IsArabic IsThai
  IsDevanagari IsHiragana IsKatakana IsHangulSyllables IsCJKUnifiedIdeographs IsGeneralPunctuation IsCurrencySymbols
  IsArrows IsPrivateUse IsPrivateUseArea IsSpecials`.split(/\s+/),
)

/** Scripts that RE2 knows; all but Latin and Common hold nothing of ASCII. */
const SCRIPTS = new Set(
  `
  Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali
  Beria_Erfe Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian
  Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic
  Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay
  Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul
  Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi
  Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script
  Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani
  Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui
  Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari
  Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Ol_Onal Old_Hungarian
  Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur
  Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic
  Samaritan Saurashtra Sharada Shavian Siddham Sidetic SignWriting Sinhala Sogdian Sora_Sompeng Soyombo
  Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Tai_Yo Takri Tamil
  Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Tolong_Siki Toto Tulu_Tigalari Ugaritic
  Unknown Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square
  `.split(/\s+/),
)

/** Null: not a property of .NET. Under `(?i)` the three categories of case are one, as there. */
export function dotnetProperty(name: string, fold: boolean): CharSet | null {
  if (fold && (name === 'Lu' || name === 'Ll' || name === 'Lt')) return LETTER
  if (name === 'IsBasicLatin') return EVERYTHING
  if (name === 'Cn' || BLOCKS.has(name)) return NOTHING
  return CATEGORIES.get(name) ?? null
}

/** Null: not a property of RE2. Its case folding is the caller's. */
export function re2Property(name: string): CharSet | null {
  if (name === 'Any') return EVERYTHING
  if (name === 'Latin') return LETTER
  if (name === 'Common') return EVERYTHING & ~LETTER
  return CATEGORIES.get(name) ?? (name !== '' && SCRIPTS.has(name) ? NOTHING : null)
}

/** `[:name:]` of RE2 without its brackets; null: no such class. */
export function posixClass(name: string): CharSet | null {
  return POSIX.get(name) ?? null
}

const GRAPHIC = span(33, 126)

const POSIX: ReadonlyMap<string, CharSet> = new Map([
  ['alnum', LETTER | DIGIT],
  ['alpha', LETTER],
  ['ascii', EVERYTHING],
  ['blank', charsOf(' \t')],
  ['cntrl', CONTROL],
  ['digit', DIGIT],
  ['graph', GRAPHIC],
  ['lower', LOWER],
  ['print', GRAPHIC | charsOf(' ')],
  ['punct', GRAPHIC & ~(LETTER | DIGIT)],
  ['space', charsOf(' \t\n\v\f\r')],
  ['upper', UPPER],
  ['word', LETTER | DIGIT | charsOf('_')],
  ['xdigit', DIGIT | charsOf('abcdefABCDEF')],
])
