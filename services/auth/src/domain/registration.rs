//! What a sign-up, or a change of address or password, may be refused for.

/// What is wrong with one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Missing, or empty.
    Blank,
    /// Not of the right form.
    Invalid,
    /// Somebody has it.
    Taken,
    /// Under the least length.
    TooShort,
    /// Over the greatest length.
    TooLong,
    /// On a list that is tried first, or not mixed enough.
    Guessable,
    /// The repetition is another.
    Unequal,
}

/// What a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// The mail address.
    Email,
    /// The password.
    Password,
    /// Its repetition.
    PasswordConfirmation,
}

/// All problems of one request, in the order they were found.
pub type Problems = Vec<(Attribute, Problem)>;
