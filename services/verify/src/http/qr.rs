//! A text as a QR code, in a data URI (RFC 2397).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Encoder};
use qrcode::render::svg;
use qrcode::{Color, EcLevel, QrCode};

/// The least width and height of a picture, in pixels.
const LEAST_SIZE: u32 = 256;

/// Light modules around the code, without which readers do not find it.
const QUIET: usize = 4;

/// What a picture is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `image/svg+xml`.
    Svg,
    /// `image/png`.
    Png,
}

impl Form {
    /// The form of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            _ => None,
        }
    }
}

/// Why a text has no picture.
#[derive(Debug, thiserror::Error)]
pub enum NotDrawn {
    /// It is longer than 2953 bytes.
    #[error("the text is too long for a QR code")]
    TooLong(#[from] qrcode::types::QrError),
    /// The picture could not be written.
    #[error("the picture could not be written")]
    Png(#[from] png::EncodingError),
}

/// Draws `text`, black on white.
///
/// # Errors
/// When it does not fit.
pub fn data_uri(text: &str, form: Form) -> Result<String, NotDrawn> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)?;
    let (media_type, picture) = match form {
        Form::Svg => {
            let picture = code.render::<svg::Color<'_>>().min_dimensions(LEAST_SIZE, LEAST_SIZE).build();
            ("image/svg+xml", picture.into_bytes())
        }
        Form::Png => ("image/png", png(&code)?),
    };
    Ok(format!("data:{media_type};base64,{}", STANDARD.encode(picture)))
}

/// One bit a pixel.
fn png(code: &QrCode) -> Result<Vec<u8>, png::EncodingError> {
    let modules = code.width() + 2 * QUIET;
    let scale = usize::try_from(LEAST_SIZE).unwrap_or_default().div_ceil(modules);
    let size = modules * scale;
    let row = |y: usize| {
        let is_light = move |x: usize| is_light(code, x / scale, y / scale);
        let byte =
            move |first: usize| (first..first + 8).fold(0_u8, |bits, x| bits << 1 | u8::from(x >= size || is_light(x)));
        (0..size).step_by(8).map(byte)
    };
    let pixels: Vec<u8> = (0..size).flat_map(row).collect();
    let mut picture = Vec::new();
    let side = u32::try_from(size).unwrap_or(u32::MAX);
    let mut encoder = Encoder::new(&mut picture, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(picture)
}

/// Whether a module is light, the quiet zone included.
fn is_light(code: &QrCode, x: usize, y: usize) -> bool {
    let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.width());
    match (inside(x), inside(y)) {
        (Some(x), Some(y)) => code[(x, y)] == Color::Light,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(uri: &str, media_type: &str) -> Vec<u8> {
        let encoded = uri.strip_prefix(&format!("data:{media_type};base64,")).expect("a data URI");
        STANDARD.decode(encoded).expect("base64")
    }

    /// The grey values of a picture, row by row.
    fn pixels(png: &[u8]) -> (usize, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a picture");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let frame = reader.next_frame(&mut pixels).expect("a frame");
        assert_eq!(frame.width, frame.height);
        (usize::try_from(frame.width).expect("a width"), pixels)
    }

    fn read(size: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
        let grey = |x, y| if is_dark(x, y) { 0 } else { 255 };
        let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(size, size, grey);
        let grids = prepared.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().expect("a text").1
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_a_reader_reads_is_the_text(text in "[ -~]{1,400}") {
            let (size, pixels) = pixels(&picture(&data_uri(&text, Form::Png).expect("drawn"), "image/png"));
            prop_assert!(size >= 256);
            prop_assert_eq!(read(size, |x, y| pixels[y * size + x] == 0), text);
        }
    }

    #[test]
    fn the_drawing_is_the_same_code() {
        let text = "otpauth://totp/Shop:ada@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop&algorithm=SHA1&digits=6&period=30";
        let svg =
            String::from_utf8(picture(&data_uri(text, Form::Svg).expect("drawn"), "image/svg+xml")).expect("text");
        let side: usize =
            svg.split("width=\"").nth(1).and_then(|rest| rest.split('"').next()?.parse().ok()).expect("a width");
        assert!(side >= 256, "{side}");
        // Rectangles as `Mx yhWvHh-WV`, one after the other.
        let path = svg.split("d=\"").last().and_then(|rest| rest.split('"').next()).expect("a path");
        let mut dark = vec![false; side * side];
        for part in path.split('M').skip(1) {
            let numbers: Vec<usize> =
                part.split(|symbol: char| !symbol.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
            let (x, y, w, h) = (numbers[0], numbers[1], numbers[2], numbers[3]);
            (y..y + h).for_each(|y| dark[y * side + x..y * side + x + w].fill(true));
        }
        assert_eq!(read(side, |x, y| dark[y * side + x]), text);
    }

    #[test]
    fn what_does_not_fit_is_not_drawn() {
        assert!(data_uri(&"a".repeat(2953), Form::Png).is_ok());
        assert!(matches!(data_uri(&"a".repeat(2954), Form::Svg), Err(NotDrawn::TooLong(_))));
    }
}
