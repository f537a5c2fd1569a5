// SPDX-License-Identifier: Apache-2.0
// C++ without a libc: constructors, destructors, virtual functions, templates, local statics.
#include <hl/guest.h>

namespace
{

struct Shape {
    virtual int area() const = 0;
};

struct Square final : Shape {
    explicit Square(int s) : side(s)
    {
    }
    int area() const override
    {
        return side * side;
    }
    int side;
};

struct Noisy {
    Noisy() : value(41)
    {
    }
    ~Noisy()
    {
        hl_print("destructed\n");
    }
    int value;
};

Noisy noisy;
thread_local int local = 1;

template <typename T> T twice(T value)
{
    return static_cast<T>(value + value);
}

int next()
{
    static Square square(noisy.value + 1);

    return square.area();
}

} // namespace

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));
HL_HOST_FUNCTION(bytes, HostBytes, (bytes, data), (bool, flag), (string, text));

HL_FUNCTION(i32, Area)
{
    static const Square three(3);
    const Shape *shape = &three;

    return shape->area() + next() + local;
}

HL_FUNCTION(f64, Twice, (f64, value))
{
    return twice(value);
}

HL_FUNCTION(bool, Not, (bool, value))
{
    return !value;
}

HL_FUNCTION_NAMED("c++/add", i32, add, (i32, a), (i32, b))
{
    return HostAdd(a, b);
}

HL_FUNCTION(bytes, Bytes, (bytes, data))
{
    return HostBytes(data, true, "text");
}

HL_FUNCTION(string, Text, (string, text), (u32, a), (i64, b), (u64, c), (f32, d))
{
    return a + b + static_cast<int64_t>(c) + static_cast<int64_t>(d) ? text : nullptr;
}

int main()
{
    hl_print("main\n");
    return 3;
}
