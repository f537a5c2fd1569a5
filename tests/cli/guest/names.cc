// SPDX-License-Identifier: Apache-2.0
// names.cc - a crash below an inlined method of a template in a namespace without a name.
#include <stdio.h>
#include <stdint.h>
extern "C" volatile int sink; volatile int sink;
int *volatile nowhere;
namespace outer { namespace { 
template <typename T, int N> struct Box {
    T v[N];
    __attribute__((noinline)) T sum(T extra) const;
    inline __attribute__((always_inline)) void poke(T x) const { sink = (int)x; *nowhere = (int)x; }   // 9
    bool operator<(const Box &o) const { return v[0] < o.v[0]; }
    explicit operator long() const { return (long)v[0]; }
};
template <typename T, int N> T Box<T, N>::sum(T extra) const
{
    T s = extra;
    for (int i = 0; i < N; i++) s += v[i];
    if (s > 10) poke(s);                 // 17
    return s;
}
}
class Shape { public: virtual ~Shape() {} virtual int area(const char *why, unsigned long long n = 0) const = 0; };
class Sq : public Shape { int a; public: Sq(int a) : a(a) {} 
   __attribute__((noinline)) int area(const char *why, unsigned long long) const override { (void)why; Box<double, 4> b{{1, 2, 3, (double)a}}; return (int)b.sum(5.0) + sink; } };   // 22
template <typename F> __attribute__((noinline)) int apply(F f, int x) { int r = f(x); sink++; return r; }   // 23
}
void operator delete(void *) noexcept {}
void operator delete(void *, unsigned long) noexcept {}
struct Init { Init() { sink = 3; } } init;
__attribute__((noinline)) static int run(outer::Shape &s)
{
    auto l = [&](int k) { return s.area("x", k) + k; };    // 30
    return outer::apply(l, 3) + sink;                              // 31
}
int main() { outer::Sq q(9); printf("%d\n", run(q)); return 0; }    // 33
extern "C" { void *__cxa_pure; void __cxa_pure_virtual() { __builtin_trap(); } }
