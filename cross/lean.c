/*
 * Linked in the place of libunwind: what would otherwise come from the runtime larger or slower.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

/*
 * Copies by words. The compiler's runtime, which is built for size as the program is, copies and compares byte by
 * byte: 6 to 7 instructions a byte on MIPS, more than half of what a packet costs there.
 *
 * A word is read wherever it stands (MIPS has lwl and lwr for that, the others an ordinary load). Inner words are stored
 * where they are aligned, four in a round. The first and the last bytes are words of their own, which overlap the inner
 * ones, and are read before anything is written, as the regions may overlap. no_builtin: a loop that looks like memcpy
 * must not become a call of memcpy.
 */
typedef uintptr_t word;
typedef struct {
	word value;
} __attribute__((packed, may_alias)) anywhere;
typedef word __attribute__((may_alias)) aligned;

#define OWN_LOOP __attribute__((no_builtin))

OWN_LOOP void *memmove(void *to, const void *from, size_t count)
{
	unsigned char *d = to, *end = d + count;
	const unsigned char *s = from;
	/* Forwards also if the regions overlap and the target lies lower: what is overwritten has been read. */
	int forwards = (uintptr_t)d - (uintptr_t)s >= count;

	if (count < sizeof(word)) {
		if (forwards)
			for (; d != end;)
				*d++ = *s++;
		else
			for (; count; count--)
				d[count - 1] = s[count - 1];
		return to;
	}
	word first = ((const anywhere *)s)->value, last = ((const anywhere *)(end - sizeof(word) - d + s))->value;
	size_t head = -(uintptr_t)d % sizeof(word), words = (count - head) / sizeof(word);
	aligned *target = (aligned *)(d + head);
	const anywhere *source = (const anywhere *)(s + head);

	if (forwards) {
		for (; words >= 4; words -= 4) {
			word one = source[0].value, two = source[1].value, three = source[2].value;
			target[3] = source[3].value;
			target[0] = one;
			target[1] = two;
			target[2] = three;
			target += 4;
			source += 4;
		}
		for (; words; words--)
			*target++ = (source++)->value;
	} else {
		for (; words; words--)
			target[words - 1] = source[words - 1].value;
	}
	((anywhere *)d)->value = first;
	((anywhere *)end - 1)->value = last;
	return to;
}

void *memcpy(void *to, const void *from, size_t count) __attribute__((alias("memmove")));

OWN_LOOP void *memset(void *to, int byte, size_t count)
{
	unsigned char *d = to, *end = d + count;
	word pattern = (word)-1 / 255 * (unsigned char)byte;

	if (count < sizeof(word)) {
		for (; d != end;)
			*d++ = (unsigned char)byte;
		return to;
	}
	((anywhere *)d)->value = pattern;
	((anywhere *)end - 1)->value = pattern;
	d += -(uintptr_t)d % sizeof(word);
	for (; end - d >= 4 * (ptrdiff_t)sizeof(word); d += 4 * sizeof(word)) {
		((aligned *)d)[0] = pattern;
		((aligned *)d)[1] = pattern;
		((aligned *)d)[2] = pattern;
		((aligned *)d)[3] = pattern;
	}
	for (; end - d >= (ptrdiff_t)sizeof(word); d += sizeof(word))
		*(aligned *)d = pattern;
	return to;
}

OWN_LOOP int memcmp(const void *left, const void *right, size_t count)
{
	const unsigned char *a = left, *b = right;

	for (; count >= sizeof(word); count -= sizeof(word)) {
		if (((const anywhere *)a)->value != ((const anywhere *)b)->value)
			break;
		a += sizeof(word);
		b += sizeof(word);
	}
	for (; count; count--, a++, b++) {
		if (*a != *b)
			return *a - *b;
	}
	return 0;
}

int bcmp(const void *left, const void *right, size_t count) __attribute__((alias("memcmp")));

/*
 * std asks for a backtrace when it panics. A stripped program without unwind tables has none to
 * show, so it is told that the stack ends at once: 60 KB of libunwind and printf stay out on MIPS.
 */
enum { END_OF_STACK = 5 };

int _Unwind_Backtrace(void *step, void *argument)
{
	(void)step;
	(void)argument;
	return END_OF_STACK;
}

unsigned long _Unwind_GetIP(void *context)
{
	(void)context;
	return 0;
}

/* What _Unwind_GetIP is on 32-bit ARM: the exception-handling ABI reads registers by this. */
int _Unwind_VRS_Get(void *context, int class, unsigned int number, int representation, void *value)
{
	enum { FAILED = 2 };

	(void)context;
	(void)class;
	(void)number;
	(void)representation;
	(void)value;
	return FAILED;
}

/*
 * std names a thread from within that thread. musl can name others, too, by a path that it prints: the
 * only use of printf in the program, 12 KB on MIPS.
 */
int pthread_setname_np(void *thread, const char *name)
{
	(void)thread;
	return prctl(PR_SET_NAME, name);
}
