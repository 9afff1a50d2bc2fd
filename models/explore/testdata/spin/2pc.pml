/*
 * Two-phase commit for SPIN: the machine of models/explore/twophase, step for step. One
 * process with one control state, so a state is the variables below and nothing else.
 * Bit i of each word is resource manager i: what it does (p, q: 00 working, 01 prepared,
 * 10 committed, 11 aborted, q first), whether its message is out, whether it was heard.
 *
 *   spin -a -DN=9 2pc.pml
 */
#ifndef N
#define N 5
#endif
#define ALL ((1 << N) - 1)

short p, q, sent, heard;
byte tm;                /* 0 undecided, 1 commit, 2 abort; a decision is its message, too */

#define BIT(i)       (1 << i)
#define CONSISTENT   assert(!((p & q) != 0 && (q & ~p) != 0))

#define RESOURCE(i) \
	:: d_step { tm == 0 && (sent & BIT(i)) -> heard = heard | BIT(i) } \
	:: d_step { ((p | q) & BIT(i)) == 0 -> p = p | BIT(i); sent = sent | BIT(i) } \
	:: d_step { ((p | q) & BIT(i)) == 0 -> p = p | BIT(i); q = q | BIT(i); CONSISTENT } \
	:: d_step { tm == 1 -> p = p & ~BIT(i); q = q | BIT(i); CONSISTENT } \
	:: d_step { tm == 2 -> p = p | BIT(i); q = q | BIT(i); CONSISTENT }

active proctype machine() {
end:	do
	:: d_step { tm == 0 && heard == ALL -> tm = 1 }
	:: d_step { tm == 0 -> tm = 2 }
	RESOURCE(0)
#if N > 1
	RESOURCE(1)
#endif
#if N > 2
	RESOURCE(2)
#endif
#if N > 3
	RESOURCE(3)
#endif
#if N > 4
	RESOURCE(4)
#endif
#if N > 5
	RESOURCE(5)
#endif
#if N > 6
	RESOURCE(6)
#endif
#if N > 7
	RESOURCE(7)
#endif
#if N > 8
	RESOURCE(8)
#endif
	od
}
