/*
 * Compares memmove, memcpy, memset, memcmp and bcmp of lean.c with naive ones, byte by byte: all alignments of both
 * sides and all lengths up to LONGEST, overlapping regions both ways, and regions that end where a page without
 * access begins, or begin where one ends: a word read or written too far ends the program.
 * cross/test.sh links it with lean.c as it links the program, and runs it on the emulated target.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

/* Called by address, so that the compiler puts nothing of its own in their place. */
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile set)(void *, int, size_t) = memset;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static int (*volatile differ)(const void *, const void *, size_t) = bcmp;

enum { WORD = sizeof(void *), LONGEST = 9 * WORD + 3, MARGIN = LONGEST + 2 * WORD, AREA = 3 * MARGIN, GUARD = 65536 };

static unsigned char actual[AREA], expected[AREA];

static void fail(const char *what, size_t to, size_t from, size_t count)
{
	printf("%s: wrong with target %zu, source %zu, %zu bytes\n", what, to, from, count);
	exit(1);
}

/* The same bytes in both areas, no two neighbours alike. */
static void fill(void)
{
	for (volatile size_t at = 0; at < AREA; at++)
		actual[at] = expected[at] = (unsigned char)(at * 37 + 11);
}

static void check(const char *what, size_t to, size_t from, size_t count)
{
	for (volatile size_t at = 0; at < AREA; at++)
		if (actual[at] != expected[at])
			fail(what, to, from, count);
}

static void naive_move(unsigned char *to, const unsigned char *from, size_t count)
{
	if (to <= from)
		for (volatile size_t at = 0; at < count; at++)
			to[at] = from[at];
	else
		for (volatile size_t at = count; at > 0; at--)
			to[at - 1] = from[at - 1];
}

static void moves(size_t to, size_t from, size_t count)
{
	int overlaps = to < from + count && from < to + count;

	fill();
	naive_move(expected + to, expected + from, count);
	if (move(actual + to, actual + from, count) != actual + to)
		fail("memmove's result", to, from, count);
	check("memmove", to, from, count);
	if (overlaps)
		return;
	fill();
	naive_move(expected + to, expected + from, count);
	if (copy(actual + to, actual + from, count) != actual + to)
		fail("memcpy's result", to, from, count);
	check("memcpy", to, from, count);
}

static void sets(size_t to, size_t count)
{
	/* More than a byte is given: the lowest counts. */
	fill();
	for (volatile size_t at = 0; at < count; at++)
		expected[to + at] = 0xa5;
	if (set(actual + to, 0x1a5, count) != actual + to)
		fail("memset's result", to, 0, count);
	check("memset", to, 0, count);
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

/* Regions that are equal, and such as differ in one byte at each place, by the highest and the lowest bit. */
static void compares(const unsigned char *left, unsigned char *right, size_t count)
{
	for (volatile size_t at = 0; at < count; at++)
		right[at] = left[at];
	if (compare(left, right, count) || differ(left, right, count))
		fail("memcmp of equal regions", 0, 0, count);
	for (size_t place = 0; place < count; place++) {
		for (int bit = 1; bit <= 0x80; bit <<= 7) {
			right[place] ^= bit;
			if (place + 1 < count)
				right[place + 1] ^= 0x55; /* what comes after the first difference says nothing */
			if (sign(compare(left, right, count)) != sign(left[place] - right[place]))
				fail("memcmp", place, bit, count);
			if (!differ(left, right, count))
				fail("bcmp", place, bit, count);
			if (place + 1 < count)
				right[place + 1] ^= 0x55;
			right[place] ^= bit;
		}
	}
}

/* Memory of GUARD bytes between two pages that can't be touched. */
static unsigned char *guarded(void)
{
	unsigned char *area = mmap(0, 3 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED || mprotect(area + GUARD, GUARD, PROT_READ | PROT_WRITE)) {
		perror("guarded memory");
		exit(1);
	}
	return area + GUARD;
}

int main(void)
{
	unsigned char *one = guarded(), *other = guarded();
	unsigned long cases = 0;

	for (size_t count = 0; count <= LONGEST; count++) {
		for (size_t to = 0; to < WORD; to++) {
			sets(MARGIN + to, count);
			for (size_t from = 0; from < WORD; from++) {
				moves(MARGIN + to, from, count);
				moves(to, MARGIN + from, count);
				compares(actual + from, expected + to, count);
				cases += 3;
			}
		}
		/* Every overlap of both directions, at every alignment of the source. */
		for (size_t from = 0; from < WORD; from++)
			for (size_t apart = 0; apart <= count + WORD; apart++, cases += 2) {
				moves(MARGIN + from, MARGIN + from + apart, count);
				moves(MARGIN + from + apart, MARGIN + from, count);
			}
		/* The last bytes of memory, and the first. */
		for (size_t at = 0; at < WORD; at++, cases += 2) {
			move(one + GUARD - count, other + at, count);
			move(other + at, one + GUARD - count, count);
			move(one, other + GUARD - count - at, count);
			move(other + GUARD - count - at, one, count);
			set(one, 7, count);
			set(one + GUARD - count, 7, count);
			compares(one + GUARD - count, other + GUARD - count, count);
			compares(one, other + GUARD - count - at, count);
		}
	}
	printf("copies and comparisons by words: %lu cases as byte by byte\n", cases);
	return 0;
}
