/** A moment in the server's time zone, for `strftime_now`. */
export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 to 999999; the format `%f` prints it. */
  readonly microsecond?: number;
}

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** `datetime.strftime(format)` in the C locale, for a time without a zone (as `datetime.now()` gives it). */
export function strftime(format: string, time: LocalTime): string {
  return format.replace(/%([-_0^#])?([A-Za-z%])/g, (directive, flag: string | undefined, code: string) => {
    const field = expand(code, time);
    return field === undefined ? directive : applyFlag(field, flag);
  });
}

interface Field {
  readonly text: string;
  /** Width and filler of a number; absent for names and compound formats. */
  readonly width?: number;
  readonly fill?: string;
}

function number(value: number, width = 2, fill = "0"): Field {
  return { text: String(value), width, fill };
}

function applyFlag(field: Field, flag: string | undefined): string {
  if (flag === "^") return field.text.toUpperCase();
  if (field.width === undefined || flag === "-") return field.text;
  const fill = flag === "_" ? " " : flag === "0" ? "0" : (field.fill ?? "0");
  return field.text.padStart(field.width, fill);
}

function expand(code: string, time: LocalTime): Field | undefined {
  const { year, month, day, hour, minute, second, microsecond = 0 } = time;
  const hour12 = hour % 12 === 0 ? 12 : hour % 12;
  const compound = (format: string): Field => ({ text: strftime(format, time) });
  switch (code) {
    case "Y":
      return { text: String(year), width: 1 };
    case "C":
      return number(Math.floor(year / 100));
    case "y":
      return number(year % 100);
    case "m":
      return number(month);
    case "d":
      return number(day);
    case "e":
      return number(day, 2, " ");
    case "H":
      return number(hour);
    case "k":
      return number(hour, 2, " ");
    case "I":
      return number(hour12);
    case "l":
      return number(hour12, 2, " ");
    case "M":
      return number(minute);
    case "S":
      return number(second);
    case "f":
      return { text: String(microsecond).padStart(6, "0") };
    case "j":
      return number(dayOfYear(time), 3);
    case "p":
      return { text: hour < 12 ? "AM" : "PM" };
    case "P":
      return { text: hour < 12 ? "am" : "pm" };
    case "B":
      return { text: MONTHS[month - 1] ?? "" };
    case "b":
    case "h":
      return { text: (MONTHS[month - 1] ?? "").slice(0, 3) };
    case "A":
      return { text: DAYS[weekday(time)] ?? "" };
    case "a":
      return { text: (DAYS[weekday(time)] ?? "").slice(0, 3) };
    case "w":
      return number(weekday(time), 1);
    case "u":
      return number(weekday(time) === 0 ? 7 : weekday(time), 1);
    case "U":
      return number(Math.floor((dayOfYear(time) + 6 - weekday(time)) / 7));
    case "W":
      return number(Math.floor((dayOfYear(time) + 6 - ((weekday(time) + 6) % 7)) / 7));
    case "G":
      return { text: String(isoWeek(time)[0]), width: 1 };
    case "g":
      return number(isoWeek(time)[0] % 100);
    case "V":
      return number(isoWeek(time)[1]);
    case "z":
    case "Z":
      return { text: "" };
    case "n":
      return { text: "\n" };
    case "t":
      return { text: "\t" };
    case "%":
      return { text: "%" };
    case "D":
    case "x":
      return compound("%m/%d/%y");
    case "F":
      return compound("%Y-%m-%d");
    case "R":
      return compound("%H:%M");
    case "T":
    case "X":
      return compound("%H:%M:%S");
    case "r":
      return compound("%I:%M:%S %p");
    case "c":
      return compound("%a %b %e %H:%M:%S %Y");
    default:
      return undefined;
  }
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

function dayOfYear(time: LocalTime): number {
  const leapDay = time.month > 2 && isLeap(time.year) ? 1 : 0;
  return (DAYS_BEFORE_MONTH[time.month - 1] ?? 0) + time.day + leapDay;
}

/** 0 is Sunday. Proleptic Gregorian calendar; day 1 of year 1 is a Monday. */
function weekday(time: LocalTime): number {
  const past = time.year - 1;
  const leaps = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400);
  return (past * 365 + leaps + dayOfYear(time)) % 7;
}

function isoWeek(time: LocalTime): readonly [year: number, week: number] {
  const isoDay = (weekday(time) + 6) % 7;
  const week = Math.floor((dayOfYear(time) - isoDay + 9) / 7);
  if (week < 1) return [time.year - 1, weeksInYear(time.year - 1)];
  return week > weeksInYear(time.year) ? [time.year + 1, 1] : [time.year, week];
}

function weeksInYear(year: number): number {
  const first = (weekday({ year, month: 1, day: 1, hour: 0, minute: 0, second: 0 }) + 6) % 7;
  return first === 3 || (first === 2 && isLeap(year)) ? 53 : 52;
}
