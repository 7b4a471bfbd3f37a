//! What a mail says, without its markup: for a developer who wants to copy a code or a link.

/// The text of `html`, line by line, without blank lines. It is good enough to read; nothing is decided by it.
#[must_use]
pub fn text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag_on)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = tag_on.split_once('>').unwrap_or((tag_on, ""));
        if ["br", "/p", "/h", "/div", "/li", "/tr", "/head"]
            .iter()
            .any(|block| tag.to_ascii_lowercase().starts_with(block))
        {
            text.push('\n');
        }
        rest = after;
    }
    text.push_str(rest);
    let text = unescape(&text);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Where the links of `html` lead, each once.
#[must_use]
pub fn links(html: &str) -> Vec<String> {
    let mut links = Vec::new();
    for attribute in html.split("href=").skip(1) {
        let target = match attribute.chars().next() {
            Some(quote @ ('"' | '\'')) => attribute.split(quote).nth(1),
            _ => None,
        };
        let link = target.map(unescape).filter(|link| link.starts_with("http://") || link.starts_with("https://"));
        if let Some(link) = link.filter(|link| !links.contains(link)) {
            links.push(link);
        }
    }
    links
}

/// The web addresses in a text without markup, each once.
#[must_use]
pub fn addresses(text: &str) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for word in text.split_whitespace().map(|word| word.trim_end_matches(['.', ',', '!', '?', ')'])) {
        let is_address = word.starts_with("http://") || word.starts_with("https://");
        if is_address && !addresses.iter().any(|known| known == word) {
            addresses.push(word.to_owned());
        }
    }
    addresses
}

/// What in `text` may be a code, each once: words with a digit in them, of 4 to 32 letters and digits.
#[must_use]
pub fn codes(text: &str) -> Vec<&str> {
    let mut codes = Vec::new();
    for word in text.split(|symbol: char| symbol.is_whitespace() || ".,:;!?()\"'<>".contains(symbol)) {
        let is_code = (4..=32).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && word.bytes().any(|byte| byte.is_ascii_digit());
        if is_code && !codes.contains(&word) {
            codes.push(word);
        }
    }
    codes
}

fn unescape(text: &str) -> String {
    // `&amp;` comes last: what it makes is no entity.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_entities_are_read() {
        let html = "<p>Your code is <b>12 &amp;lt;3</b></p>\n\n<p>Bye<br>now</p> <img src=x";
        assert_eq!(text(html), "Your code is 12 &lt;3\nBye\nnow");
        assert_eq!(text("just text"), "just text");
    }

    #[test]
    fn addresses_of_a_text_end_with_their_word() {
        let text = "Open https://shop.test/?a=1&b=2. Or (http://shop.test/) https://shop.test/?a=1&b=2";
        assert_eq!(addresses(text), ["https://shop.test/?a=1&b=2"]);
        assert_eq!(addresses("see http://shop.test/b, ok"), ["http://shop.test/b"]);
    }

    #[test]
    fn codes_are_words_with_a_digit() {
        assert_eq!(codes("Your code is 012345. Again: 012345, or a1B2!"), ["012345", "a1B2"]);
        assert_eq!(codes("https://shop.test/?code=12345 call 123 now, word"), Vec::<&str>::new());
    }

    #[test]
    fn links_are_told_once_and_only_those_of_the_web() {
        let html = r##"<a href="https://a.test/?x=1&amp;y=2">a</a> <a href='https://a.test/?x=1&#38;y=2'>b</a>
            <a href="javascript:alert(1)">c</a> <a href="#d">d</a> <a href=https://unquoted.test>e</a>"##;
        assert_eq!(links(html), ["https://a.test/?x=1&y=2"]);
    }
}
