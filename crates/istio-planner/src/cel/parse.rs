//! From text to a tree.

use super::Error;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Literal(serde_json::Value),
    Name(String),
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    /// `optional`: with `?`.
    Field(Box<Expression>, String, bool),
    Index(Box<Expression>, Box<Expression>, bool),
    /// A function, with what it is called on, if anything.
    Call(Option<Box<Expression>>, String, Vec<Expression>),
    Not(Box<Expression>),
    Minus(Box<Expression>),
    Binary(&'static str, Box<Expression>, Box<Expression>),
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(serde_json::Number),
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 26] = [
    "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", ",", ".", "?", ":", "<", ">",
    "+", "-", "*", "/", "%", "!", "=", "|",
];

/// How deep expressions may stand in each other.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str) -> Result<Expression, Error> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        depth: 0,
    };
    let expression = parser.choice()?;
    if parser.at < tokens.len() {
        return Err(unknown("an expression that is read only in part"));
    }
    Ok(expression)
}

fn unknown(what: &str) -> Error {
    Error::Unknown(what.to_owned())
}

fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let next = letters.get(at + 1).copied();
        if letter.is_whitespace() {
            at += 1;
        } else if letter == '/' && next == Some('/') {
            while letters.get(at).is_some_and(|it| *it != '\n') {
                at += 1;
            }
        } else if letter == '"' || letter == '\'' {
            let (text, end) = quoted(&letters, at, false)?;
            tokens.push(Token::Text(text));
            at = end;
        } else if matches!(letter, 'r' | 'R') && matches!(next, Some('"' | '\'')) {
            let (text, end) = quoted(&letters, at + 1, true)?;
            tokens.push(Token::Text(text));
            at = end;
        } else if letter.is_ascii_digit() {
            let end = (at..letters.len())
                .find(|it| {
                    let letter = letters[*it];
                    let fraction =
                        letter == '.' && letters.get(it + 1).is_some_and(char::is_ascii_digit);
                    !(letter.is_ascii_alphanumeric() || fraction)
                })
                .unwrap_or(letters.len());
            let number: String = letters[at..end].iter().collect();
            let number = number.trim_end_matches(['u', 'U']);
            let whole = number.parse::<i64>().ok().map(Into::into);
            let number = whole
                .or_else(|| serde_json::Number::from_f64(number.parse().ok()?))
                .ok_or_else(|| unknown(number))?;
            tokens.push(Token::Number(number));
            at = end;
        } else if letter.is_alphabetic() || letter == '_' {
            let end = (at..letters.len())
                .find(|it| !(letters[*it].is_alphanumeric() || letters[*it] == '_'))
                .unwrap_or(letters.len());
            tokens.push(Token::Word(letters[at..end].iter().collect()));
            at = end;
        } else {
            let sign = SIGNS.iter().find(|sign| {
                let mut signs = sign.chars().enumerate();
                signs.all(|(index, it)| letters.get(at + index) == Some(&it))
            });
            let sign = sign.ok_or_else(|| unknown(&letter.to_string()))?;
            tokens.push(Token::Sign(sign));
            at += sign.len();
        }
    }
    Ok(tokens)
}

/// A string and where it ends.
fn quoted(letters: &[char], start: usize, raw: bool) -> Result<(String, usize), Error> {
    let quote = letters[start];
    if letters.get(start + 1) == Some(&quote) && letters.get(start + 2) == Some(&quote) {
        return Err(unknown("a string in three quotes"));
    }
    let mut text = String::new();
    let mut at = start + 1;
    while let Some(&letter) = letters.get(at) {
        at += 1;
        if letter == quote {
            return Ok((text, at));
        }
        if letter != '\\' || raw {
            text.push(letter);
            continue;
        }
        let escaped = letters.get(at).copied().unwrap_or_default();
        at += 1;
        text.push(match escaped {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '\\' | '"' | '\'' | '`' | '?' => escaped,
            other => return Err(unknown(&format!("the escape \\{other}"))),
        });
    }
    Err(unknown("a string without end"))
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

type Parsed = Result<Expression, Error>;

impl Parser<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(it)) if *it == sign);
        self.at += usize::from(found);
        found
    }

    fn needs(&mut self, sign: &str) -> Result<(), Error> {
        if self.takes(sign) {
            Ok(())
        } else {
            Err(unknown(&format!("an expression without `{sign}`")))
        }
    }

    fn choice(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(unknown("an expression that is too deep"));
        }
        let condition = self.binary(0)?;
        let parsed = if self.takes("?") {
            let yes = self.choice()?;
            self.needs(":")?;
            let no = self.choice()?;
            Expression::Choice(condition.into(), yes.into(), no.into())
        } else {
            condition
        };
        self.depth -= 1;
        Ok(parsed)
    }

    /// Operators of a level of [`LEVELS`] and above.
    fn binary(&mut self, level: usize) -> Parsed {
        let Some(signs) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            let sign = signs.iter().find(|sign| match self.tokens.get(self.at) {
                Some(Token::Sign(it)) => it == *sign,
                Some(Token::Word(word)) => **sign == "in" && word == "in",
                _ => false,
            });
            let Some(sign) = sign else {
                return Ok(left);
            };
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = Expression::Binary(sign, left.into(), right.into());
        }
    }

    fn unary(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(unknown("an expression that is too deep"));
        }
        let parsed = if self.takes("!") {
            Expression::Not(self.unary()?.into())
        } else if self.takes("-") {
            Expression::Minus(self.unary()?.into())
        } else {
            self.member()?
        };
        self.depth -= 1;
        Ok(parsed)
    }

    fn member(&mut self) -> Parsed {
        let mut it = self.primary()?;
        loop {
            if self.takes(".") {
                let optional = self.takes("?");
                let Some(Token::Word(name)) = self.tokens.get(self.at) else {
                    return Err(unknown("a path that ends in a dot"));
                };
                let name = name.clone();
                self.at += 1;
                it = if self.takes("(") {
                    let arguments = self.list(")")?;
                    Expression::Call(Some(it.into()), name, arguments)
                } else {
                    Expression::Field(it.into(), name, optional)
                };
            } else if self.takes("[") {
                let optional = self.takes("?");
                let index = self.choice()?;
                self.needs("]")?;
                it = Expression::Index(it.into(), index.into(), optional);
            } else {
                return Ok(it);
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Text(text)) => Ok(Expression::Literal(text.into())),
            Some(Token::Number(number)) => Ok(Expression::Literal(number.into())),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Ok(Expression::Literal(true.into())),
                "false" => Ok(Expression::Literal(false.into())),
                "null" => Ok(Expression::Literal(serde_json::Value::Null)),
                _ if self.takes("(") => Ok(Expression::Call(None, word, self.list(")")?)),
                _ => Ok(Expression::Name(word)),
            },
            Some(Token::Sign("(")) => {
                let inner = self.choice()?;
                self.needs(")")?;
                Ok(inner)
            }
            Some(Token::Sign("[")) => Ok(Expression::List(self.list("]")?)),
            Some(Token::Sign("{")) => {
                let mut entries = Vec::new();
                while !self.takes("}") {
                    let key = self.choice()?;
                    self.needs(":")?;
                    entries.push((key, self.choice()?));
                    if !self.takes(",") {
                        self.needs("}")?;
                        break;
                    }
                }
                Ok(Expression::Map(entries))
            }
            _ => Err(unknown("an expression that ends too early")),
        }
    }

    /// Expressions up to a closing sign.
    fn list(&mut self, end: &str) -> Result<Vec<Expression>, Error> {
        let mut list = Vec::new();
        while !self.takes(end) {
            list.push(self.choice()?);
            if !self.takes(",") {
                self.needs(end)?;
                break;
            }
        }
        Ok(list)
    }
}

/// Operators, those that bind least first.
const LEVELS: [&[&str]; 5] = [
    &["||"],
    &["&&"],
    &["==", "!=", "<=", ">=", "<", ">", "in"],
    &["+", "-"],
    &["*", "/", "%"],
];
